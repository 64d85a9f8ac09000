#include "drift/numbers.hpp"

#include <algorithm>

#include "drift/circular.hpp"
#include "drift/kuiper.hpp"
#include "drift/merged_view.hpp"
#include "drift/rank_scores.hpp"
#include "nan.hpp"

namespace lightmeter::drift {

namespace {

double rank_error(const sketch::QuantileSketch& target, const sketch::QuantileSketch& reference,
                  double delta) {
  return target.error(delta / 2.0) + reference.error(delta / 2.0);
}

Interval verdicts_p_value(const MergedView& merged, double target_error, double reference_error,
                          const Interval& ks) {
  if (merged.size() <= 2) return ks;
  const auto both = [](double scores, double ks_p) {
    return std::min({1.0, scores / (1.0 - kKsLevel), ks_p / kKsLevel});
  };
  const double needless = ks.low * (1.0 - kKsLevel) / kKsLevel;
  const Interval scores = rank_score_p_value(merged, target_error, reference_error, needless);
  return {both(scores.value, ks.value), both(scores.low, ks.low), both(scores.high, ks.high)};
}

}  // namespace

double spread(const sketch::QuantileSketch& sketch, Axis axis) {
  if (axis == Axis::kHueCircle) return circular_moments(sketch.view()).stddev;
  constexpr double kNormalRange = 1.3489795003921634;  // 2 Phi^-1(3/4)
  const double range = sketch.quantile(0.75) - sketch.quantile(0.25);
  if (range > 0.0) return range / kNormalRange;
  return moments_of(sketch.view()).stddev();
}

sketch::Moments moments_of(const sketch::SortedView& view) {
  sketch::Moments moments;
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    moments.update(view.values[i], view.weight(i));
  }
  return moments;
}

NumberDrift compare_numbers(const sketch::QuantileSketch& target,
                            const sketch::QuantileSketch& reference, Axis axis, bool tested,
                            double delta) {
  const MergedView merged = merge_views(target.view(), reference.view());
  const bool circular = axis == Axis::kHueCircle;
  const double error = rank_error(target, reference, delta);
  const Binned bins = quantile_bins(merged);
  NumberDrift drift{};
  if (tested) {
    const KsTest test = circular ? kuiper_test(merged, error) : ks_test(merged, error);
    drift.statistic = test.statistic;
    drift.ks_p_value = test.p_value;
    drift.p_value = circular ? test.p_value
                             : verdicts_p_value(merged, target.error(delta / 2.0),
                                                reference.error(delta / 2.0), test.p_value);
  } else {
    const double statistic = circular ? kuiper_statistic(merged) : ks_statistic(merged);
    const double reach = circular ? 2.0 * error : error;
    drift.statistic = {statistic, std::max(0.0, statistic - reach),
                       std::min(1.0, statistic + reach)};
    drift.ks_p_value = {1.0, 1.0, 1.0};
    drift.p_value = drift.ks_p_value;
  }
  if (!circular) {
    drift.tails = tail_shares(merged, target.error(delta / 2.0), reference.error(delta / 2.0));
  }
  drift.distances = binned_distances(bins);
  drift.hellinger_null = tested ? hellinger_null(bins) : kNan;
  drift.wasserstein = circular ? circular_wasserstein(merged) : wasserstein(merged);
  drift.reference_spread = spread(reference, axis);
  return drift;
}

}  // namespace lightmeter::drift
