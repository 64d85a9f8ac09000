#include "sketch/quantiles.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "error.hpp"
#include "nan.hpp"

namespace lightmeter::sketch {

void QuantileSketch::swap(QuantileSketch& other) noexcept {
  std::swap(observed_, other.observed_);
  std::swap(apart_, other.apart_);
  std::swap(key_, other.key_);
  view_.clear();
  other.view_.clear();
  std::swap(mode_, other.mode_);
}

QuantileSketch QuantileSketch::from_levels(std::vector<std::vector<double>> levels, double least,
                                           double greatest, double ranks, std::uint64_t key) {
  using wire::require;
  require(!levels.empty() && levels.size() <= kMaxLevel + 1,
          "quantile sketch: a number of levels that no sketch has");
  QuantileSketch sketch(key);
  std::vector<Sampled::Level> kept;
  for (std::size_t h = 0; h < levels.size(); ++h) {
    for (double& value : levels[h]) {
      value += 0.0;
      key = mix(key, std::bit_cast<std::uint64_t>(value));
    }
    require(levels[h].size() <= (kMaxCount - sketch.observed_) >> h,
            "quantile sketch: weights above 2^56");
    sketch.observed_ += std::uint64_t{levels[h].size()} << h;
    kept.push_back({std::move(levels[h])});
  }
  sketch.mode_.emplace<Box<Sampled>>().make(Coins{key}, RankError::measured(ranks, 0.01),
                                            least + 0.0, greatest + 0.0, std::move(kept));
  return sketch;
}

void QuantileSketch::update_apart(double value, std::uint64_t count) noexcept {
  (std::isnan(value) ? apart_.nan : value > 0.0 ? apart_.pos_inf : apart_.neg_inf) += count;
  observed_ += count;
}

// One that there is no room for. The caller adds it to observed_.
void QuantileSketch::update_full(double value) {
  become_exact();
  if (is_exact() && n() >= kExactItems) {
    const Count once{value, 1};
    if (become_counted({&once, 1})) return;
    become_sampled(n() + 1);
  }
  if (auto* exact = std::get_if<Exact>(&mode_)) return exact->add(value);
  sampled()->add(value, n() + 1);
}

void QuantileSketch::become_exact() {
  if (n() > kExactItems) return;
  if (const auto* counted = std::get_if<Counted>(&mode_)) mode_ = counted->listed();
}

// With some more values, unless there would be too many different ones: then nothing changes.
bool QuantileSketch::become_counted(std::span<const Count> more) {
  if (auto* counted = std::get_if<Counted>(&mode_)) return counted->add(more);
  Counted counted(std::get<Exact>(mode_));
  if (!counted.add(more)) return false;
  mode_ = std::move(counted);
  return true;
}

// The coins depend on the values, not on how they are held.
Sampled& QuantileSketch::become_sampled(std::uint64_t horizon) {
  become_exact();
  if (is_exact()) {
    Box<Sampled> box;
    if (const auto* exact = std::get_if<Exact>(&mode_)) {
      box.make(*exact, key_);
    } else {
      box.make(std::get<Counted>(mode_), key_, horizon);
    }
    mode_ = std::move(box);
  }
  return *sampled();
}

// Counts are above 0.
void QuantileSketch::add_counts(std::span<const Count> rising, std::uint64_t horizon) {
  if (rising.empty()) return;
  view_.clear();
  std::uint64_t total = 0;
  for (const Count& count : rising) total += count.times;
  const bool is_small = n() + total <= kExactItems;
  const auto* exact = std::get_if<Exact>(&mode_);
  const bool is_list = exact != nullptr && !exact->values().empty();
  if (!is_exact() || (is_small && is_list) || !become_counted(rising)) {
    if (is_exact() && is_small) {
      become_exact();
      for (const auto& [value, times] : rising) {
        std::get<Exact>(mode_).add(value, static_cast<std::size_t>(times));
      }
    } else {
      become_sampled(horizon).add(rising, horizon);
    }
  }
  observed_ += total;
}

void QuantileSketch::update_counts(std::span<const double> values,
                                   std::span<const std::uint64_t> counts) {
  if (values.size() != counts.size()) {
    throw std::invalid_argument("update_counts got " + std::to_string(values.size()) +
                                " values and " + std::to_string(counts.size()) +
                                " counts; give one count for each value");
  }
  std::uint64_t total = observed();
  for (const std::uint64_t count : counts) total = check_sum(total, count);
  std::vector<Count> rising;
  rising.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      update_apart(values[i], counts[i]);
    } else if (counts[i] != 0) {
      rising.push_back({values[i] + 0.0, counts[i]});
    }
  }
  if (std::ranges::adjacent_find(rising, std::greater_equal{}, &Count::value) != rising.end()) {
    std::ranges::sort(rising, {}, &Count::value);
    sum_equal(rising);
  }
  add_counts(rising, total);
}

const SortedView& QuantileSketch::view() const {
  return view_.get([this] {
    if (const auto* exact = std::get_if<Exact>(&mode_)) return Counted(*exact).view();
    if (const auto* counted = std::get_if<Counted>(&mode_)) return counted->view();
    return sampled()->view();
  });
}

double QuantileSketch::min() const {
  if (n() == 0) return kNan;
  return is_exact() ? view().values.front() : sampled()->min();
}

double QuantileSketch::max() const {
  if (n() == 0) return kNan;
  return is_exact() ? view().values.back() : sampled()->max();
}

bool QuantileSketch::stays_exact(double value) const {
  if (!is_exact() || !std::isfinite(value)) return is_exact();
  if (n() < kExactItems) return true;
  if (const auto* counted = std::get_if<Counted>(&mode_)) return counted->fits(value);
  return Counted(std::get<Exact>(mode_)).fits(value);
}

double QuantileSketch::pointwise_error(double delta) const {
  if (!(delta > 0.0 && delta < 1.0)) {
    throw std::invalid_argument("delta is " + std::to_string(delta) + "; it must be in (0, 1)");
  }
  if (is_exact()) return 0.0;
  return std::min(1.0, sampled()->error().ranks(delta) / static_cast<double>(n()));
}

// Take the values at every n/g-th rank, and what is just below them: 2 g places, each within e with
// probability 1 - delta / (2 g). From one to the next the true rank rises by at most n/g, and true
// and estimated ranks rise together, so all others are within e + n/g. The best g is searched for.
double QuantileSketch::error(double delta) const {
  if (pointwise_error(delta) == 0.0) return 0.0;
  double best = 1.0;
  for (double points = 2.0; points <= 0x1p24; points *= 2.0) {
    best = std::min(best, pointwise_error(delta / (2.0 * points)) + 1.0 / points);
  }
  return best;
}

double QuantileSketch::quantile(double q) const {
  if (!(q >= 0.0 && q <= 1.0)) {
    throw std::invalid_argument("a quantile of " + std::to_string(q) + "; it must be in [0, 1]");
  }
  if (n() == 0) return kNan;
  // 2^56 and more are out of reach of n, so the product fits.
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(n()));
  if (rank == 0) return min();
  if (rank + 1 >= n()) return max();
  const SortedView& sorted = view();
  const auto place = std::ranges::upper_bound(sorted.cumulative, rank);
  return sorted.values[static_cast<std::size_t>(place - sorted.cumulative.begin())];
}

double QuantileSketch::rank(double x) const {
  if (n() == 0 || std::isnan(x)) return kNan;
  const SortedView& sorted = view();
  const auto above = std::ranges::upper_bound(sorted.values, x) - sorted.values.begin();
  if (above == 0) return 0.0;
  return static_cast<double>(sorted.cumulative[static_cast<std::size_t>(above - 1)]) /
         static_cast<double>(n());
}

}  // namespace lightmeter::sketch
