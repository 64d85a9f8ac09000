#include "lightmeter/sketch/quantiles.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "sketch/bulk_feeder.hpp"
#include "sketch/compactors.hpp"
#include "sketch/limits.hpp"
#include "sketch/quantile_codec.hpp"
#include "sketch/sorting.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

QuantileSketch::QuantileSketch(std::uint64_t key) : key_(key) {}

QuantileSketch::QuantileSketch(QuantileSketch&& other) noexcept
    : staged_(std::exchange(other.staged_, {})),
      compactors_(std::move(other.compactors_)),
      settled_(std::exchange(other.settled_, 0)),
      nan_(std::exchange(other.nan_, 0)),
      pos_inf_(std::exchange(other.pos_inf_, 0)),
      neg_inf_(std::exchange(other.neg_inf_, 0)),
      values_(std::exchange(other.values_, {})),
      counts_(std::exchange(other.counts_, {})),
      view_(std::move(other.view_)),
      key_(other.key_) {}

QuantileSketch& QuantileSketch::operator=(QuantileSketch&& other) noexcept {
  QuantileSketch moved(std::move(other));
  staged_.swap(moved.staged_);
  compactors_.swap(moved.compactors_);
  settled_ = moved.settled_;
  nan_ = moved.nan_;
  pos_inf_ = moved.pos_inf_;
  neg_inf_ = moved.neg_inf_;
  values_.swap(moved.values_);
  counts_.swap(moved.counts_);
  view_ = std::move(moved.view_);
  key_ = moved.key_;
  return *this;
}
QuantileSketch::~QuantileSketch() = default;

QuantileSketch::QuantileSketch(const QuantileSketch& other)
    : staged_(other.staged_),
      compactors_(other.compactors_ ? std::make_unique<Compactors>(*other.compactors_) : nullptr),
      settled_(other.settled_),
      nan_(other.nan_),
      pos_inf_(other.pos_inf_),
      neg_inf_(other.neg_inf_),
      values_(other.values_),
      counts_(other.counts_),
      key_(other.key_) {}

QuantileSketch& QuantileSketch::operator=(const QuantileSketch& other) {
  if (&other != this) *this = QuantileSketch(other);
  return *this;
}

void QuantileSketch::refuse_more() { check_sum(kMaxObserved, 1), std::abort(); }

void QuantileSketch::update(std::span<const float> values) {
  check_sum(observed(), values.size());
  BulkFeeder<float> feeder(*this, n() + values.size());
  feeder.push(values);
  feeder.finish();
}

void QuantileSketch::update(std::span<const double> values) {
  check_sum(observed(), values.size());
  BulkFeeder<double> feeder(*this, n() + values.size());
  feeder.push(values);
  feeder.finish();
}

void QuantileSketch::update_apart(double value, std::uint64_t count) noexcept {
  (std::isnan(value) ? nan_ : value > 0.0 ? pos_inf_ : neg_inf_) += count;
}

// reserve() allocates what it is asked for, in every standard library; a larger capacity would let
// exact mode hold too many values.
void QuantileSketch::reserve(std::size_t size) {
  if (size <= staged_.capacity()) return;
  staged_.reserve(
      std::min<std::size_t>(kExactItems, std::bit_ceil(std::max<std::size_t>(size, 4))));
  assert(staged_.capacity() <= kExactItems);
}

void QuantileSketch::update_full(double value) {
  value += 0.0;
  if (counted()) {
    const std::size_t place = place_of(values_, value);
    const bool found = holds(values_, place, value);
    if (found || values_.size() < kCountedValues) {
      if (!found) {
        values_.insert(values_.begin() + static_cast<std::ptrdiff_t>(place), value);
        counts_.insert(counts_.begin() + static_cast<std::ptrdiff_t>(place), 0);
      }
      ++counts_[place];
      ++settled_;
      return;
    }
    if (n() < kExactItems) {
      list_values();
    } else {
      leave_exact(n() + 1);
    }
  } else if (staged_.size() == kExactItems && is_exact()) {
    constexpr std::uint64_t kOne = 1;
    if (absorb_counts({&value, 1}, {&kOne, 1})) return;
    leave_exact(n() + 1);
  }
  if (staged_.size() == kExactItems) flush(n() + 1);
  reserve(staged_.size() + 1);
  staged_.push_back(value);
}

// Takes finite values, -0.0 excluded, in any mode.
void QuantileSketch::stage(std::span<const double> values) {
  view_.clear();
  while (!values.empty()) {
    if (counted() || staged_.size() == kExactItems) {
      update_full(values[0]);
      values = values.subspan(1);
      continue;
    }
    const auto taken = values.first(std::min(values.size(), kExactItems - staged_.size()));
    reserve(staged_.size() + taken.size());
    staged_.insert(staged_.end(), taken.begin(), taken.end());
    values = values.subspan(taken.size());
  }
}

void QuantileSketch::flush(std::uint64_t horizon) {
  double least, greatest;
  (void)scan_values(staged_.data(), staged_.data(), kExactItems, &least, &greatest);
  compactors_->note_extrema(least, greatest);
  compactors_->insert_values(staged_, 0, horizon);
  settled_ += kExactItems;
  staged_.clear();
}

// From counts of at most kExactItems values to the values themselves.
void QuantileSketch::list_values() {
  reserve(static_cast<std::size_t>(settled_));
  for (std::size_t i = 0; i < values_.size(); ++i) {
    staged_.insert(staged_.end(), static_cast<std::size_t>(counts_[i]), values_[i]);
  }
  settled_ = 0;
  values_ = std::vector<double>();
  counts_ = std::vector<std::uint64_t>();
}

void QuantileSketch::leave_exact(std::uint64_t horizon) {
  // The coins depend on the values, not on how they are held.
  if (counted() && n() <= kExactItems) list_values();
  std::uint64_t hash = mix(key_, n());
  sort_values(std::span(staged_));
  for (const double value : staged_) hash = mix(hash, std::bit_cast<std::uint64_t>(value));
  for (std::size_t i = 0; i < values_.size(); ++i) {
    hash = mix(mix(hash, std::bit_cast<std::uint64_t>(values_[i])), counts_[i]);
  }
  compactors_ = std::make_unique<Compactors>(hash);
  if (!counted()) return;
  std::vector<std::uint64_t> cumulative(counts_.size());
  std::partial_sum(counts_.begin(), counts_.end(), cumulative.begin());
  compactors_->note_extrema(values_.front(), values_.back());
  compactors_->insert_run(settled_, 0, RankCursor(values_, cumulative), horizon);
  values_ = std::vector<double>();
  counts_ = std::vector<std::uint64_t>();
}

namespace {

// Sums the counts of equal values of a sorted list.
void collapse_ties(std::span<const double> sorted, std::vector<double>& values,
                   std::vector<std::uint64_t>& counts) {
  for (const double value : sorted) {
    if (values.empty() || values.back() != value) {
      values.push_back(value);
      counts.push_back(0);
    }
    ++counts.back();
  }
}

}  // namespace

// Goes into or stays in counted mode with these rising values added, or returns false and changes
// nothing if there would be too many different ones.
bool QuantileSketch::absorb_counts(std::span<const double> values,
                                   std::span<const std::uint64_t> counts) {
  std::vector<double> own = values_;
  std::vector<std::uint64_t> own_counts = counts_;
  if (!counted()) {
    std::vector<double> sorted = staged_;
    sort_values(std::span(sorted));
    collapse_ties(sorted, own, own_counts);
  }
  std::vector<double> all;
  std::vector<std::uint64_t> all_counts;
  std::uint64_t total = 0;
  for (std::size_t i = 0, j = 0; i < own.size() || j < values.size();) {
    const bool left = j == values.size() || (i < own.size() && own[i] <= values[j]);
    const bool right = i == own.size() || (j < values.size() && values[j] <= own[i]);
    if (all.size() == kCountedValues) return false;
    all.push_back(left ? own[i] : values[j]);
    all_counts.push_back((left ? own_counts[i] : 0) + (right ? counts[j] : 0));
    total += all_counts.back();
    i += left ? 1 : 0;
    j += right ? 1 : 0;
  }
  settled_ = total;
  values_ = std::move(all);
  counts_ = std::move(all_counts);
  staged_ = std::vector<double>();
  return true;
}

// Rising values with counts above 0.
void QuantileSketch::add_counts(std::span<const double> values,
                                std::span<const std::uint64_t> counts, std::uint64_t horizon) {
  view_.clear();
  std::vector<std::uint64_t> cumulative(counts.size());
  std::partial_sum(counts.begin(), counts.end(), cumulative.begin());
  const std::uint64_t total = cumulative.empty() ? 0 : cumulative.back();
  if (total == 0) return;
  if (is_exact()) {
    const bool small = n() + total <= kExactItems;
    if ((!small || staged_.empty()) && absorb_counts(values, counts)) return;
    if (small) {
      if (counted()) list_values();
      reserve(staged_.size() + static_cast<std::size_t>(total));
      for (std::size_t i = 0; i < values.size(); ++i) {
        staged_.insert(staged_.end(), static_cast<std::size_t>(counts[i]), values[i]);
      }
      return;
    }
    leave_exact(horizon);
  }
  compactors_->note_extrema(values.front(), values.back());
  compactors_->insert_run(total, 0, RankCursor(values, cumulative), horizon);
  settled_ += total;
}

void QuantileSketch::update_counts(std::span<const double> values,
                                   std::span<const std::uint64_t> counts) {
  if (values.size() != counts.size()) {
    throw std::invalid_argument("update_counts got " + std::to_string(values.size()) +
                                " values and " + std::to_string(counts.size()) +
                                " counts; give one count for each value");
  }
  std::vector<std::pair<double, std::uint64_t>> pairs;
  std::uint64_t total = observed();
  for (std::size_t i = 0; i < values.size(); ++i) {
    check_sum(total, counts[i]);
    total += counts[i];
    if (counts[i] != 0 && std::isfinite(values[i])) pairs.emplace_back(values[i] + 0.0, counts[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) update_apart(values[i], counts[i]);
  }
  constexpr auto by_value = &std::pair<double, std::uint64_t>::first;
  if (!std::ranges::is_sorted(pairs, {}, by_value)) std::ranges::sort(pairs, {}, by_value);
  std::vector<double> sorted;
  std::vector<std::uint64_t> sums;
  for (const auto& [value, count] : pairs) {
    if (sorted.empty() || sorted.back() != value) {
      sorted.push_back(value);
      sums.push_back(0);
    }
    sums.back() += count;
  }
  add_counts(sorted, sums, total);
}

void QuantileSketch::encode(wire::Writer& out) const { QuantileCodec::encode(*this, out); }

QuantileSketch QuantileSketch::decode(wire::Reader& in, std::uint64_t key) {
  return QuantileCodec::decode(in, key);
}

bool operator==(const QuantileSketch& a, const QuantileSketch& b) {
  wire::Writer left;
  wire::Writer right;
  a.encode(left);
  b.encode(right);
  return std::ranges::equal(left.view(), right.view());
}

}  // namespace lightmeter::sketch
