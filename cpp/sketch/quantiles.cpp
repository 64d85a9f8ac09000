#include "sketch/quantiles.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "sketch/compactors.hpp"
#include "sketch/limits.hpp"
#include "sketch/sorting.hpp"

namespace lightmeter::sketch {

QuantileSketch::Sampled::Sampled(std::vector<double> newest, Compactors&& compactors)
    : staged(std::move(newest)), compactors_(std::make_unique<Compactors>(std::move(compactors))) {}
QuantileSketch::Sampled::Sampled(const Sampled& other)
    : staged(other.staged), compactors_(std::make_unique<Compactors>(*other.compactors_)) {}
QuantileSketch::Sampled::Sampled(Sampled&&) noexcept = default;
QuantileSketch::Sampled& QuantileSketch::Sampled::operator=(Sampled&&) noexcept = default;
QuantileSketch::Sampled::~Sampled() = default;

QuantileSketch::Sampled& QuantileSketch::Sampled::operator=(const Sampled& other) {
  return *this = Sampled(other);
}

QuantileSketch::QuantileSketch(std::uint64_t key) : key_(key) {}
QuantileSketch::QuantileSketch(const QuantileSketch&) = default;
QuantileSketch::~QuantileSketch() = default;

QuantileSketch::QuantileSketch(QuantileSketch&& other) noexcept
    : mode_(std::exchange(other.mode_, Exact())),
      observed_(std::exchange(other.observed_, 0)),
      nan_(std::exchange(other.nan_, 0)),
      pos_inf_(std::exchange(other.pos_inf_, 0)),
      neg_inf_(std::exchange(other.neg_inf_, 0)),
      view_(std::move(other.view_)),
      key_(other.key_) {}

QuantileSketch& QuantileSketch::operator=(const QuantileSketch& other) {
  if (&other != this) *this = QuantileSketch(other);
  return *this;
}

QuantileSketch& QuantileSketch::operator=(QuantileSketch&& other) noexcept {
  mode_ = std::exchange(other.mode_, Exact());
  observed_ = std::exchange(other.observed_, 0);
  nan_ = std::exchange(other.nan_, 0);
  pos_inf_ = std::exchange(other.pos_inf_, 0);
  neg_inf_ = std::exchange(other.neg_inf_, 0);
  view_ = std::move(other.view_);
  key_ = other.key_;
  return *this;
}

void QuantileSketch::refuse_more() {
  check_sum(kMaxObserved, 1);
  std::abort();  // not reached
}

void QuantileSketch::update_apart(double value, std::uint64_t count) noexcept {
  (std::isnan(value) ? nan_ : value > 0.0 ? pos_inf_ : neg_inf_) += count;
  observed_ += count;
}

namespace {

// Room for `size` values. reserve() allocates what it is asked for, in every standard library; a
// larger capacity would let exact mode hold too many values.
void reserve(std::vector<double>& values, std::size_t size) {
  constexpr std::size_t kMost = QuantileSketch::kExactItems;
  if (size <= values.capacity()) return;
  values.reserve(std::min(kMost, std::bit_ceil(std::max<std::size_t>(size, 4))));
  assert(values.capacity() <= kMost);
}

// values[i] counts[i] times.
void append(std::vector<double>& to, std::span<const double> values,
            std::span<const std::uint64_t> counts) {
  const std::uint64_t more = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  reserve(to, to.size() + static_cast<std::size_t>(more));
  for (std::size_t i = 0; i < values.size(); ++i) {
    to.insert(to.end(), static_cast<std::size_t>(counts[i]), values[i]);
  }
}

std::vector<std::uint64_t> sums(std::span<const std::uint64_t> counts) {
  std::vector<std::uint64_t> cumulative(counts.size());
  std::partial_sum(counts.begin(), counts.end(), cumulative.begin());
  return cumulative;
}

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

// Makes the values rise, and sums the counts of equal ones.
void sort_and_sum(std::vector<double>& values, std::vector<std::uint64_t>& counts) {
  std::vector<std::pair<double, std::uint64_t>> pairs;
  for (std::size_t i = 0; i < values.size(); ++i) pairs.emplace_back(values[i], counts[i]);
  std::ranges::sort(pairs, {}, &std::pair<double, std::uint64_t>::first);
  values.clear();
  counts.clear();
  for (const auto& [value, count] : pairs) {
    if (values.empty() || values.back() != value) {
      values.push_back(value);
      counts.push_back(0);
    }
    counts.back() += count;
  }
}

template <class From, class T>
void append_from(std::size_t first, const From& from, std::vector<T>& to) {
  to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(first), from.end());
}

}  // namespace

// The values of at most kExactItems that were counted.
std::vector<double> QuantileSketch::listed(const Counted& counted) {
  std::vector<double> values;
  append(values, counted.values, counted.counts);
  return values;
}

// One that there is no room for, or that is counted. The caller adds it to observed_.
void QuantileSketch::update_full(double value) {
  if (auto* counted = std::get_if<Counted>(&mode_)) {
    auto& [values, counts] = *counted;
    const std::size_t place = place_of(values, value);
    const bool is_known = holds(values, place, value);
    if (is_known || values.size() < kCountedValues) {
      if (!is_known) {
        values.insert(values.begin() + static_cast<std::ptrdiff_t>(place), value);
        counts.insert(counts.begin() + static_cast<std::ptrdiff_t>(place), 0);
      }
      ++counts[place];
      return;
    }
    if (n() < kExactItems) {
      mode_ = Exact{listed(*counted)};
    } else {
      leave_exact(n() + 1);
    }
  } else if (is_exact() && n() == kExactItems) {
    constexpr std::uint64_t kOnce = 1;
    if (absorb_counts({&value, 1}, {&kOnce, 1})) return;
    leave_exact(n() + 1);
  }
  std::vector<double>& values = *unsorted();
  if (values.size() == kExactItems) flush(n() + 1);
  reserve(values, values.size() + 1);
  values.push_back(value);
}

// Makes values of the lowest level of those that are staged.
void QuantileSketch::flush(std::uint64_t horizon) {
  std::vector<double>& staged = sampled().staged;
  Compactors& compactors = sampled().compactors();
  double least, greatest;
  (void)scan_values(staged.data(), staged.data(), kExactItems, &least, &greatest);
  compactors.note_extrema(least, greatest);
  compactors.insert_values(staged, 0, horizon);
  staged.clear();
}

// The coins depend on the values, not on how they are held.
void QuantileSketch::leave_exact(std::uint64_t horizon) {
  auto* counted = std::get_if<Counted>(&mode_);
  if (counted != nullptr && n() <= kExactItems) {
    mode_ = Exact{listed(*counted)};
    counted = nullptr;
  }
  std::uint64_t hash = mix(key_, n());
  if (counted == nullptr) {
    std::vector<double> values = std::move(std::get_if<Exact>(&mode_)->values);
    sort_values(std::span(values));
    for (const double value : values) hash = mix(hash, std::bit_cast<std::uint64_t>(value));
    mode_.emplace<Sampled>(std::move(values), Compactors(hash));
    return;
  }
  const auto [values, counts] = std::move(*counted);
  for (std::size_t i = 0; i < values.size(); ++i) {
    hash = mix(mix(hash, std::bit_cast<std::uint64_t>(values[i])), counts[i]);
  }
  Compactors compactors(hash);
  compactors.note_extrema(values.front(), values.back());
  const auto cumulative = sums(counts);
  compactors.insert_run(n(), 0, RankCursor(values, cumulative), horizon);
  mode_.emplace<Sampled>(std::vector<double>(), std::move(compactors));
}

// Goes into or stays in counted mode with these rising values added, or returns false and changes
// nothing if there would be too many different ones.
bool QuantileSketch::absorb_counts(std::span<const double> values,
                                   std::span<const std::uint64_t> counts) {
  Counted collapsed;
  auto* counted = std::get_if<Counted>(&mode_);
  if (counted != nullptr && std::ranges::includes(counted->values, values)) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < values.size(); ++i, ++at) {
      while (counted->values[at] != values[i]) ++at;
      counted->counts[at] += counts[i];
    }
    return true;
  }
  if (counted == nullptr) {
    std::vector<double> sorted = *unsorted();
    sort_values(std::span(sorted));
    collapse_ties(sorted, collapsed.values, collapsed.counts);
  }
  const Counted& own = counted != nullptr ? *counted : collapsed;
  Counted all;
  all.values.reserve(std::min(own.values.size() + values.size(), kCountedValues));
  all.counts.reserve(all.values.capacity());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < own.values.size() && j < values.size() && all.values.size() < kCountedValues) {
    const bool left = own.values[i] <= values[j];
    const bool right = values[j] <= own.values[i];
    all.values.push_back(left ? own.values[i] : values[j]);
    all.counts.push_back((left ? own.counts[i] : 0) + (right ? counts[j] : 0));
    i += left ? 1 : 0;
    j += right ? 1 : 0;
  }
  if (all.values.size() + own.values.size() - i + values.size() - j > kCountedValues) return false;
  append_from(i, own.values, all.values);
  append_from(i, own.counts, all.counts);
  append_from(j, values, all.values);
  append_from(j, counts, all.counts);
  mode_ = std::move(all);
  return true;
}

// Rising values with counts above 0.
void QuantileSketch::add_counts(std::span<const double> values,
                                std::span<const std::uint64_t> counts, std::uint64_t horizon) {
  if (values.empty()) return;
  view_.clear();
  const auto cumulative = sums(counts);
  const std::uint64_t total = cumulative.back();
  const bool is_small = n() + total <= kExactItems;
  const auto* exact = std::get_if<Exact>(&mode_);
  const bool is_list = exact != nullptr && !exact->values.empty();
  if (is_exact() && !(is_small && is_list) && absorb_counts(values, counts)) {
    observed_ += total;
    return;
  }
  if (is_exact() && is_small) {
    if (const auto* counted = std::get_if<Counted>(&mode_)) mode_ = Exact{listed(*counted)};
    append(*unsorted(), values, counts);
    observed_ += total;
    return;
  }
  if (is_exact()) leave_exact(horizon);
  sampled().compactors().note_extrema(values.front(), values.back());
  sampled().compactors().insert_run(total, 0, RankCursor(values, cumulative), horizon);
  observed_ += total;
}

void QuantileSketch::update_counts(std::span<const double> values,
                                   std::span<const std::uint64_t> counts) {
  if (values.size() != counts.size()) {
    throw std::invalid_argument("update_counts got " + std::to_string(values.size()) +
                                " values and " + std::to_string(counts.size()) +
                                " counts; give one count for each value");
  }
  std::vector<double> kept;
  std::vector<std::uint64_t> kept_counts;
  kept.reserve(values.size());
  kept_counts.reserve(values.size());
  std::uint64_t total = observed();
  bool rising = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    check_sum(total, counts[i]);
    total += counts[i];
    if (counts[i] == 0 || !std::isfinite(values[i])) continue;
    rising = rising && (kept.empty() || kept.back() < values[i]);
    kept.push_back(values[i] + 0.0);
    kept_counts.push_back(counts[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) update_apart(values[i], counts[i]);
  }
  if (!rising) sort_and_sum(kept, kept_counts);
  add_counts(kept, kept_counts, total);
}

}  // namespace lightmeter::sketch
