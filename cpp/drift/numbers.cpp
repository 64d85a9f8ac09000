#include "drift/numbers.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "drift/circular.hpp"
#include "drift/kuiper.hpp"
#include "drift/merged_view.hpp"
#include "drift/rank_test.hpp"

namespace lightmeter::drift {

namespace {

// The middle value of each block of ranks; all blocks but the last have the same size.
sketch::SortedView thinned(const sketch::SortedView& view, std::uint64_t block) {
  sketch::SortedView result;
  const std::uint64_t n = view.cumulative.back();
  std::size_t i = 0;
  for (std::uint64_t start = 0; start < n; start += block) {
    const std::uint64_t end = std::min(n, start + block);
    while (view.cumulative[i] <= (start + end) / 2) ++i;
    if (result.values.empty() || result.values.back() != view.values[i]) {
      result.values.push_back(view.values[i]);
      result.cumulative.push_back(0);
    }
    result.cumulative.back() = end;
  }
  return result;
}

// What a comparison reads of a sketch. Of one that samples no more values than a file keeps, as the
// scores of all that a live one holds take six times as long. So verdicts are as sure as of files.
class Side {
 public:
  Side(const sketch::QuantileSketch& sketch, double delta)
      : error_(sketch.error(delta)), view_(sketch.view()) {
    constexpr std::size_t kMost = sketch::Sampled::kShipped;
    if (sketch.is_exact() || view_.values.size() <= kMost) return;
    const std::uint64_t block = std::bit_ceil((sketch.n() + kMost - 1) / kMost);
    thinned_ = thinned(view_, block);
    error_ += static_cast<double>(block) / static_cast<double>(2 * sketch.n());
  }

  // That the distribution function may be off by.
  [[nodiscard]] double error() const { return error_; }
  [[nodiscard]] const sketch::SortedView& view() const { return thinned_ ? *thinned_ : view_; }

 private:
  double error_;
  const sketch::SortedView& view_;
  std::optional<sketch::SortedView> thinned_;
};

Interval verdicts_p_value(const MergedView& merged, double target_error, double reference_error,
                          const Interval& ks) {
  if (merged.size() <= 2) return ks;
  const auto both = [](double rank_p, double ks_p) {
    return std::min({1.0, rank_p / (1.0 - kKsLevel), ks_p / kKsLevel});
  };
  const double needless = ks.low * (1.0 - kKsLevel) / kKsLevel;
  const Interval ranks = rank_test_p_value(merged, target_error, reference_error, needless);
  return {both(ranks.value, ks.value), both(ranks.low, ks.low), both(ranks.high, ks.high)};
}

Level level_of(const Numbers& numbers, Axis axis) {
  if (axis == Axis::kLine) return {numbers.moments.mean(), numbers.moments.stddev()};
  const CircularMoments moments = circular_moments(numbers.sketch.view());
  return {moments.mean, moments.stddev};
}

std::optional<double> log_ratio(double stddev, double other) {
  if (std::min(stddev, other) <= 0.0 || !std::isfinite(stddev / other)) return std::nullopt;
  return std::log(stddev) - std::log(other);
}

std::optional<double> in_spreads(double wasserstein, double spread, double change) {
  if (wasserstein == 0.0) return 0.0;
  if (!(spread > 0.0) || std::isinf(spread)) return std::nullopt;
  return std::copysign(wasserstein / spread, change);
}

}  // namespace

double spread(const Numbers& numbers, Axis axis) {
  constexpr double kNormalRange = 1.3489795003921634;  // 2 Phi^-1(3/4)
  if (axis == Axis::kLine) {
    const double range = numbers.sketch.quantile(0.75) - numbers.sketch.quantile(0.25);
    if (range > 0.0) return range / kNormalRange;
  }
  return level_of(numbers, axis).stddev;
}

NumberDrift compare_numbers(const sketch::QuantileSketch& target,
                            const sketch::QuantileSketch& reference, Axis axis, bool tested,
                            double delta) {
  const Side left(target, delta / 2.0);
  const Side right(reference, delta / 2.0);
  const MergedView merged = merge_views(left.view(), right.view());
  const bool circular = axis == Axis::kHueCircle;
  const double error = left.error() + right.error();
  NumberDrift drift{};
  if (tested) {
    const KsTest test = circular ? kuiper_test(merged, error) : ks_test(merged, error);
    drift.statistic = test.statistic;
    drift.ks_p_value = test.p_value;
    drift.p_value = circular ? test.p_value
                             : verdicts_p_value(merged, left.error(), right.error(), test.p_value);
  } else {
    const double statistic = circular ? kuiper_statistic(merged) : ks_statistic(merged);
    const double reach = circular ? 2.0 * error : error;
    drift.statistic = {statistic, std::max(0.0, statistic - reach),
                       std::min(1.0, statistic + reach)};
    drift.ks_p_value = {1.0, 1.0, 1.0};
    drift.p_value = drift.ks_p_value;
  }
  if (!circular) {
    drift.tails = tail_shares(merged, left.error(), right.error());
  }
  drift.distances = binned_distances(quantile_bins(merged));
  drift.wasserstein = circular ? circular_wasserstein(merged) : wasserstein(merged);
  return drift;
}

NumberLine line_of(const Numbers& target, const Numbers& reference, Axis axis, bool tested,
                   double delta) {
  const sketch::QuantileSketch& a = target.sketch;
  const sketch::QuantileSketch& b = reference.sketch;
  NumberLine line{.drift = compare_numbers(a, b, axis, tested, delta),
                  .target = level_of(target, axis),
                  .reference = level_of(reference, axis)};
  double change = line.target.mean - line.reference.mean;
  if (axis == Axis::kHueCircle) {
    change = std::remainder(change, kHueSteps);
  } else {
    line.spread = log_ratio(line.target.stddev, line.reference.stddev);
  }
  line.wasserstein_in_spreads = in_spreads(line.drift.wasserstein, spread(reference, axis), change);
  line.one_value = a.min() == a.max() && a.max() == b.min() && b.min() == b.max();
  return line;
}

}  // namespace lightmeter::drift
