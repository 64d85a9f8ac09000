#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "lightmeter/sketch/quantiles.hpp"
#include "sketch/compactors.hpp"
#include "sketch/sorting.hpp"

namespace lightmeter::sketch {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Merges rising values of one weight into rising values with weights.
class WeightedMerger {
 public:
  void add(std::vector<double> values, std::uint64_t weight) {
    if (values.empty()) return;
    sort_values(std::span(values));
    const std::size_t size = values_.size() + values.size();
    std::vector<double> merged(size);
    std::vector<std::uint64_t> weights(size);
    std::size_t i = 0;
    std::size_t j = 0;
    std::size_t k = 0;
    while (i < values_.size() && j < values.size()) {
      const bool left = values_[i] <= values[j];
      merged[k] = left ? values_[i] : values[j];
      weights[k++] = left ? weights_[i] : weight;
      i += left ? 1 : 0;
      j += left ? 0 : 1;
    }
    for (; i < values_.size(); ++i, ++k) merged[k] = values_[i], weights[k] = weights_[i];
    for (; j < values.size(); ++j, ++k) merged[k] = values[j], weights[k] = weight;
    values_ = std::move(merged);
    weights_ = std::move(weights);
  }

  [[nodiscard]] SortedView finish() && {
    SortedView view;
    view.values.reserve(values_.size());
    view.cumulative.reserve(values_.size());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      sum += weights_[i];
      if (!view.values.empty() && view.values.back() == values_[i]) {
        view.cumulative.back() = sum;
      } else {
        view.values.push_back(values_[i]);
        view.cumulative.push_back(sum);
      }
    }
    return view;
  }

 private:
  std::vector<double> values_;
  std::vector<std::uint64_t> weights_;
};

}  // namespace

SortedView QuantileSketch::build_view() const {
  WeightedMerger merger;
  merger.add(staged_, 1);
  for (std::size_t i = 0; compactors_ && i < compactors_->levels().size(); ++i) {
    merger.add(compactors_->levels()[i].values, std::uint64_t{1} << i);
  }
  SortedView view = std::move(merger).finish();
  if (counted()) {
    view.values = values_;
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) view.cumulative.push_back(sum += count);
  }
  return view;
}

const SortedView& QuantileSketch::view() const {
  return view_.get([this] { return build_view(); });
}

double QuantileSketch::min() const {
  if (n() == 0) return kNan;
  if (is_exact()) return view().values.front();
  return staged_.empty() ? compactors_->min()
                         : std::min(compactors_->min(), std::ranges::min(staged_));
}

double QuantileSketch::max() const {
  if (n() == 0) return kNan;
  if (is_exact()) return view().values.back();
  return staged_.empty() ? compactors_->max()
                         : std::max(compactors_->max(), std::ranges::max(staged_));
}

bool QuantileSketch::stays_exact(double value) const {
  if (!is_exact() || !std::isfinite(value)) return is_exact();
  if (n() < kExactItems) return true;
  const std::vector<double>& values = view().values;
  return values.size() < kCountedValues ||
         (values.size() == kCountedValues && std::ranges::binary_search(values, value));
}

double QuantileSketch::pointwise_error(double delta) const {
  if (!(delta > 0.0 && delta < 1.0)) {
    throw std::invalid_argument("delta is " + std::to_string(delta) + "; it must be in (0, 1)");
  }
  if (is_exact()) return 0.0;
  const RankError& error = compactors_->error();
  const double ranks = error.fixed + std::sqrt(2.0 * error.variance * std::log(2.0 / delta));
  return std::min(1.0, ranks / static_cast<double>(n()));
}

// Take the values at every n/g-th rank, and what is just below them: 2 g places, each within e with
// probability 1 - delta / (2 g). From one to the next the true rank rises by at most n/g, and true
// and estimated ranks rise together, so all others are within e + n/g. The best g is searched for.
double QuantileSketch::error(double delta) const {
  double best = pointwise_error(delta);
  if (best == 0.0) return best;
  best = 1.0;
  for (double points = 2.0; points <= 0x1p24; points *= 2.0) {
    best = std::min(best, pointwise_error(delta / (2.0 * points)) + 1.0 / points);
  }
  return best;
}

double QuantileSketch::value_at(std::uint64_t rank) const {
  if (rank == 0) return min();
  if (rank + 1 == n()) return max();
  const SortedView& sorted = view();
  const auto place = std::ranges::upper_bound(sorted.cumulative, rank);
  return sorted.values[static_cast<std::size_t>(place - sorted.cumulative.begin())];
}

double QuantileSketch::quantile(double q) const {
  if (!(q >= 0.0 && q <= 1.0)) {
    throw std::invalid_argument("a quantile of " + std::to_string(q) + "; it must be in [0, 1]");
  }
  if (n() == 0) return kNan;
  // 2^56 and more are out of reach of n, so the product fits.
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(n()));
  return value_at(std::min(rank, n() - 1));
}

double QuantileSketch::rank(double x) const {
  if (n() == 0 || std::isnan(x)) return kNan;
  const SortedView& sorted = view();
  const auto above = std::ranges::upper_bound(sorted.values, x) - sorted.values.begin();
  if (above == 0) return 0.0;
  return static_cast<double>(sorted.cumulative[static_cast<std::size_t>(above - 1)]) /
         static_cast<double>(n());
}

std::vector<double> QuantileSketch::quantiles(std::span<const double> q) const {
  std::vector<double> result;
  result.reserve(q.size());
  for (const double each : q) result.push_back(quantile(each));
  return result;
}

std::vector<double> QuantileSketch::ranks(std::span<const double> x) const {
  std::vector<double> result;
  result.reserve(x.size());
  for (const double each : x) result.push_back(rank(each));
  return result;
}

}  // namespace lightmeter::sketch
