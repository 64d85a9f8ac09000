#include "lightmeter/sketch/quantiles.hpp"

#include <algorithm>
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
QuantileSketch::QuantileSketch(QuantileSketch&&) noexcept = default;
QuantileSketch& QuantileSketch::operator=(QuantileSketch&&) noexcept = default;
QuantileSketch::~QuantileSketch() = default;

QuantileSketch::QuantileSketch(const QuantileSketch& other)
    : key_(other.key_),
      n_(other.n_),
      nan_(other.nan_),
      pos_inf_(other.pos_inf_),
      neg_inf_(other.neg_inf_),
      staged_(other.staged_),
      values_(other.values_),
      counts_(other.counts_),
      compactors_(other.compactors_ ? std::make_unique<Compactors>(*other.compactors_) : nullptr) {}

QuantileSketch& QuantileSketch::operator=(const QuantileSketch& other) {
  if (&other != this) *this = QuantileSketch(other);
  return *this;
}

void QuantileSketch::update(std::span<const float> values) {
  BulkFeeder<float> feeder(*this, n_ + values.size());
  feeder.push(values);
  feeder.finish();
}

void QuantileSketch::update(std::span<const double> values) {
  BulkFeeder<double> feeder(*this, n_ + values.size());
  feeder.push(values);
  feeder.finish();
}

void QuantileSketch::update_apart(double value, std::uint64_t count) noexcept {
  (std::isnan(value) ? nan_ : value > 0.0 ? pos_inf_ : neg_inf_) += count;
}

void QuantileSketch::update_full(double value) {
  value += 0.0;
  view_.clear();
  if (counted()) {
    const auto place = std::ranges::lower_bound(values_, value);
    const auto index = place - values_.begin();
    if (place != values_.end() && *place == value) {
      ++counts_[static_cast<std::size_t>(index)];
      ++n_;
      return;
    }
    if (values_.size() < kCountedValues) {
      values_.insert(place, value);
      counts_.insert(counts_.begin() + index, 1);
      ++n_;
      return;
    }
    leave_exact(n_ + 1);
  } else if (is_exact()) {
    constexpr std::uint64_t kOne = 1;
    if (absorb_counts({&value, 1}, {&kOne, 1})) return;
    leave_exact(n_ + 1);
  }
  flush(n_ + 1);
  staged_.push_back(value);
  ++n_;
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
    staged_.insert(staged_.end(), taken.begin(), taken.end());
    n_ += taken.size();
    values = values.subspan(taken.size());
  }
}

void QuantileSketch::flush(std::uint64_t horizon) {
  if (staged_.empty()) return;
  const auto [least, greatest] = std::ranges::minmax(staged_);
  compactors_->note_extrema(least, greatest);
  compactors_->insert_values(staged_, 0, horizon);
  staged_.clear();
}

void QuantileSketch::leave_exact(std::uint64_t horizon) {
  std::uint64_t hash = mix(key_, n_);
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
  compactors_->insert_run(n_, 0, RankCursor(values_, cumulative), horizon);
  values_ = {};
  counts_ = {};
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
  n_ = total;
  values_ = std::move(all);
  counts_ = std::move(all_counts);
  staged_ = {};
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
    if (n_ + total <= kExactItems) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        staged_.insert(staged_.end(), static_cast<std::size_t>(counts[i]), values[i]);
      }
      n_ += total;
      return;
    }
    if (absorb_counts(values, counts)) return;
    leave_exact(horizon);
  }
  compactors_->note_extrema(values.front(), values.back());
  compactors_->insert_run(total, 0, RankCursor(values, cumulative), horizon);
  n_ += total;
}

void QuantileSketch::update_counts(std::span<const double> values,
                                   std::span<const std::uint64_t> counts) {
  if (values.size() != counts.size()) {
    throw std::invalid_argument("update_counts got " + std::to_string(values.size()) +
                                " values and " + std::to_string(counts.size()) +
                                " counts; give one count for each value");
  }
  std::vector<std::pair<double, std::uint64_t>> pairs;
  std::uint64_t total = n_;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (counts[i] > kMaxCount || (total += counts[i]) > kMaxCount) {
      throw std::invalid_argument("update_counts got counts that sum to more than 2^56");
    }
    if (counts[i] != 0 && std::isfinite(values[i])) pairs.emplace_back(values[i] + 0.0, counts[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) update_apart(values[i], counts[i]);
  }
  std::ranges::sort(pairs, {}, &std::pair<double, std::uint64_t>::first);
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

void QuantileSketch::merge(const QuantileSketch& other, BulkFeeder<double>& feeder,
                           std::uint64_t horizon) {
  nan_ += other.nan_;
  pos_inf_ += other.pos_inf_;
  neg_inf_ += other.neg_inf_;
  if (other.n_ == 0) return;
  view_.clear();
  if (other.is_exact()) {
    if (other.counted()) return add_counts(other.values_, other.counts_, horizon);
    return feeder.push(other.staged_);
  }
  if (n_ == 0) {
    staged_ = other.staged_;
    compactors_ = std::make_unique<Compactors>(*other.compactors_);
    n_ = other.n_;
    return;
  }
  if (is_exact()) leave_exact(horizon);
  compactors_->merge(*other.compactors_, horizon);
  n_ += other.n_ - other.staged_.size();
  feeder.push(other.staged_);
}

void QuantileSketch::merge(const QuantileSketch& other) {
  const QuantileSketch* others[] = {&other};
  merge_many(others);
}

void QuantileSketch::merge_many(std::span<const QuantileSketch* const> others) {
  if (std::ranges::find(others, this) != others.end()) {
    const QuantileSketch self(*this);
    std::vector<const QuantileSketch*> copies(others.begin(), others.end());
    std::ranges::replace(copies, static_cast<const QuantileSketch*>(this), &self);
    return merge_many(copies);
  }
  std::uint64_t horizon = n_;
  for (const QuantileSketch* other : others) horizon += other->n_;
  BulkFeeder<double> feeder(*this, horizon);
  for (const QuantileSketch* other : others) merge(*other, feeder, horizon);
  feeder.finish();
}

void QuantileSketch::merge_many(std::span<const std::span<const std::uint8_t>> encoded) {
  std::uint64_t horizon = n_;
  for (const auto bytes : encoded) horizon += QuantileCodec::peek_n(bytes);
  QuantileSketch result(*this);
  BulkFeeder<double> feeder(result, horizon);
  for (const auto bytes : encoded) {
    wire::Reader in(bytes);
    const QuantileSketch part = decode(in);
    in.expect_end();
    result.merge(part, feeder, horizon);
  }
  feeder.finish();
  *this = std::move(result);
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
