#include "drift/numbers.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "drift/ks.hpp"
#include "drift/merged_view.hpp"
#include "drift/rank_test.hpp"

namespace lightmeter::drift {

namespace {

// What a comparison reads of a sketch: what a file has of it, as the scores of all that a live one
// holds take six times as long. So verdicts on live sketches are those on files.
class Side {
 public:
  Side(const sketch::QuantileSketch& sketch, double delta)
      : thinned_(sketch.thinned()),
        view_(thinned_ ? thinned_->view() : sketch.view()),
        error_(thinned_ ? thinned_->error(delta) : sketch.error(delta)) {}
  Side(const Side&) = delete;

  // That the distribution function may be off by.
  [[nodiscard]] double error() const { return error_; }
  [[nodiscard]] const sketch::SortedView& view() const { return view_; }
  // The circular standard deviation on the circle.
  [[nodiscard]] Level level(const Numbers& numbers, Axis axis) const {
    if (axis == Axis::kHueCircle) return circular_level(view_);
    return {numbers.moments.mean(), numbers.moments.stddev()};
  }
  // 1 for a standard normal sample: the interquartile range / 1.349, or where that is 0, and on the
  // circle, the standard deviation.
  [[nodiscard]] double spread(const Numbers& numbers, Axis axis) const {
    constexpr double kNormalRange = 1.3489795003921634;  // 2 Phi^-1(3/4)
    const sketch::QuantileSketch& sketch = thinned_ ? *thinned_ : numbers.sketch;
    const double range = sketch.quantile(0.75) - sketch.quantile(0.25);
    if (axis == Axis::kLine && range > 0.0) return range / kNormalRange;
    return level(numbers, axis).stddev;
  }

 private:
  std::optional<sketch::QuantileSketch> thinned_;
  const sketch::SortedView& view_;
  double error_;
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

NumberDrift compare_numbers(const Numbers& target, const Numbers& reference, Axis axis, bool tested,
                            double delta) {
  const Side left(target.sketch, delta / 2.0);
  const Side right(reference.sketch, delta / 2.0);
  const MergedView merged = merge_views(left.view(), right.view());
  const bool circular = axis == Axis::kHueCircle;
  NumberDrift drift{};
  drift.target = left.level(target, axis);
  drift.reference = right.level(reference, axis);
  // Kuiper's two gaps may each be off by the error.
  const double error = (left.error() + right.error()) * (circular ? 2.0 : 1.0);
  const double statistic = circular ? kuiper_statistic(merged) : ks_statistic(merged);
  drift.statistic = {statistic, std::max(0.0, statistic - error), std::min(1.0, statistic + error)};
  drift.ks_p_value = {1.0, 1.0, 1.0};
  if (tested) {
    const auto p = [&](double at) {
      const bool known = error == 0.0;
      return circular ? kuiper_p_value(merged, at, known) : ks_p_value(merged, at, known);
    };
    const double middle = p(statistic);
    drift.ks_p_value = {middle, middle, middle};
    if (error > 0.0) drift.ks_p_value = {middle, p(drift.statistic.high), p(drift.statistic.low)};
  }
  drift.p_value = drift.ks_p_value;
  double change = drift.target.mean - drift.reference.mean;
  if (circular) {
    change = std::remainder(change, kHueSteps);
  } else {
    if (tested) {
      drift.p_value = verdicts_p_value(merged, left.error(), right.error(), drift.ks_p_value);
    }
    drift.tails = tail_shares(merged, left.error(), right.error());
    drift.spread = log_ratio(drift.target.stddev, drift.reference.stddev);
  }
  drift.distances = binned_distances(quantile_bins(merged));
  drift.wasserstein = circular ? circular_wasserstein(merged) : wasserstein(merged);
  drift.wasserstein_in_spreads =
      in_spreads(drift.wasserstein, right.spread(reference, axis), change);
  drift.one_value = merged.size() == 1 && target.sketch.min() == target.sketch.max() &&
                    reference.sketch.min() == reference.sketch.max();
  return drift;
}

}  // namespace lightmeter::drift
