#include "drift/kuiper.hpp"

#include <algorithm>
#include <cmath>

#include "drift/random_split.hpp"
#include "drift/slack.hpp"
#include "drift/special.hpp"
#include "drift/untied_deals.hpp"

namespace lightmeter::drift {

namespace {

constexpr int kKuiperDraws = 2499;
constexpr std::uint64_t kMostUntied = 10000;

double untied_p_value(const MergedView& merged, double v) {
  Random random(merged.target, merged.reference);
  UntiedDeals deals(static_cast<std::int32_t>(merged.n_target),
                    static_cast<std::int32_t>(merged.n_reference), random);
  return monte_carlo_p(kKuiperDraws,
                       [&, bound = v * merged.area() * kSlack] { return deals.range() >= bound; });
}

// From 20 values on either side on, the share of random deals beyond is at most 1.15 times this limit
// with Stephens' correction: 2e7 deals of 20 / 20, 1e7 of 20 / 200 and 20 / 5000, 5e6 of 50 / 50 and
// 2e6 of 100 / 700, for limits from 0.05 to 1e-6. With 10 / 10 it is 1.4 times.
double kuiper_bound(double n, double m, double v) {
  constexpr double kLeastSize = 20.0;
  constexpr double kFactor = 1.2;
  if (std::min(n, m) < kLeastSize) return 1.0;
  const double root = std::sqrt(n / (n + m) * m);
  return kFactor * kuiper_tail((root + 0.155 + 0.24 / root) * v);
}

double kuiper_p_value(const MergedView& merged, double v, bool exact) {
  const double bound = exact ? ks_p_value(merged, v / 2.0)
                             : ks_p_value_untied(merged.n_target, merged.n_reference, v / 2.0);
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
  const double least = std::min(bound, kuiper_bound(n, m, v));
  if (least * (kKuiperDraws + 1.0) < 1.0) return least;
  if (exact && merged.has_ties()) {
    return permuted_p_value(merged, kKuiperDraws, [v](const MergedView& dealt) {
      return kuiper_statistic(dealt) >= v * kSlack;
    });
  }
  if (merged.n_target + merged.n_reference <= kMostUntied) return untied_p_value(merged, v);
  return kuiper_tail(std::sqrt(n / (n + m) * m) * v);
}

}  // namespace

double kuiper_statistic(const MergedView& merged) {
  double difference = 0.0;
  double highest = 0.0;
  double lowest = 0.0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    difference += merged.step(i);
    highest = std::max(highest, difference);
    lowest = std::min(lowest, difference);
  }
  return highest == lowest ? 0.0 : (highest - lowest) / merged.area();
}

KsTest kuiper_test(const MergedView& merged, double error) {
  const double v = kuiper_statistic(merged);
  if (error == 0.0) {
    const double p = kuiper_p_value(merged, v, true);
    return {{v, v, v}, {p, p, p}};
  }
  // Each of the two maxima may be off by `error`.
  const Interval range{v, std::max(0.0, v - 2.0 * error), std::min(1.0, v + 2.0 * error)};
  const auto p = [&](double at) { return kuiper_p_value(merged, at, false); };
  return {range, {p(range.value), p(range.high), p(range.low)}};
}

}  // namespace lightmeter::drift
