#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "nan.hpp"
#include "sketch/compactors.hpp"
#include "sketch/quantiles.hpp"
#include "sketch/sorting.hpp"

namespace lightmeter::sketch {
namespace {

// Merges runs of rising values of one weight each, in place from the end.
class WeightedMerger {
 public:
  explicit WeightedMerger(std::size_t room) : values_(room), weights_(room) {}

  void add(std::span<const double> run, std::uint64_t weight) {
    double* const values = values_.data();
    std::uint64_t* const weights = weights_.data();
    std::size_t i = size_;
    std::size_t j = run.size();
    size_ += j;
    for (std::size_t k = size_; i > 0 && j > 0;) {
      const bool own = values[i - 1] > run[j - 1];
      --k;
      values[k] = own ? values[i - 1] : run[j - 1];
      weights[k] = own ? weights[i - 1] : weight;
      i -= own ? 1 : 0;
      j -= own ? 0 : 1;
    }
    std::ranges::copy(run.first(j), values_.begin());
    std::fill_n(weights_.begin(), j, weight);
  }

  // All the room must be filled.
  [[nodiscard]] SortedView finish() && {
    double* const values = values_.data();
    std::uint64_t* const weights = weights_.data();
    std::size_t kept = 0;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      const double value = values[i];
      sum += weights[i];
      kept += i == 0 || value != values[i - 1] ? 1 : 0;
      values[kept - 1] = value;
      weights[kept - 1] = sum;
    }
    values_.resize(kept);
    weights_.resize(kept);
    return {std::move(values_), std::move(weights_)};
  }

 private:
  std::vector<double> values_;
  std::vector<std::uint64_t> weights_;
  std::size_t size_ = 0;
};

}  // namespace

SortedView QuantileSketch::build_view() const {
  if (const auto* counted = std::get_if<Counted>(&mode_)) {
    SortedView view{counted->values, counted->counts};
    std::partial_sum(view.cumulative.begin(), view.cumulative.end(), view.cumulative.begin());
    return view;
  }
  const auto* sampled = std::get_if<Sampled>(&mode_);
  const std::vector<double>& singles = *unsorted();
  WeightedMerger merger(singles.size() + (sampled != nullptr ? sampled->compactors().held() : 0));
  const auto add = [&](const std::vector<double>& values, bool sorted, std::uint64_t weight) {
    if (sorted) return merger.add(values, weight);
    std::vector<double> rising = values;
    sort_values(std::span(rising));
    merger.add(rising, weight);
  };
  add(singles, false, 1);
  if (sampled == nullptr) return std::move(merger).finish();
  const auto& levels = sampled->compactors().levels();
  for (std::size_t h = 0; h < levels.size(); ++h) {
    add(levels[h].values, levels[h].sorted, std::uint64_t{1} << h);
  }
  return std::move(merger).finish();
}

const SortedView& QuantileSketch::view() const {
  return view_.get([this] { return build_view(); });
}

double QuantileSketch::min() const {
  if (n() == 0) return kNan;
  const auto* sampled = std::get_if<Sampled>(&mode_);
  if (sampled == nullptr) return view().values.front();
  const double least = sampled->compactors().min();
  return sampled->staged.empty() ? least : std::min(least, std::ranges::min(sampled->staged));
}

double QuantileSketch::max() const {
  if (n() == 0) return kNan;
  const auto* sampled = std::get_if<Sampled>(&mode_);
  if (sampled == nullptr) return view().values.back();
  const double greatest = sampled->compactors().max();
  return sampled->staged.empty() ? greatest : std::max(greatest, std::ranges::max(sampled->staged));
}

bool QuantileSketch::stays_exact(double value) const {
  if (!is_exact() || !std::isfinite(value)) return is_exact();
  if (n() < kExactItems) return true;
  const auto* counted = std::get_if<Counted>(&mode_);
  const std::vector<double>& values = counted != nullptr ? counted->values : view().values;
  return values.size() < kCountedValues ||
         (values.size() == kCountedValues && holds(values, place_of(values, value), value));
}

double QuantileSketch::pointwise_error(double delta) const {
  if (!(delta > 0.0 && delta < 1.0)) {
    throw std::invalid_argument("delta is " + std::to_string(delta) + "; it must be in (0, 1)");
  }
  const auto* sampled = std::get_if<Sampled>(&mode_);
  if (sampled == nullptr) return 0.0;
  return std::min(1.0, sampled->compactors().error().ranks(delta) / static_cast<double>(n()));
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
