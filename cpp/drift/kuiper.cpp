#include "drift/kuiper.hpp"

#include <algorithm>
#include <cmath>

#include "drift/random_split.hpp"
#include "drift/slack.hpp"
#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr int kKuiperDraws = 2499;

// Of so many values on either side the share of random deals beyond is at most 1.15 times the limit
// with Stephens' correction, for limits from 0.05 to 1e-6. With 10 on either side it is 1.4 times.
constexpr double kLeastSize = 20.0;
constexpr double kFactor = 1.2;

double kuiper_p_value(const MergedView& merged, double v, bool exact) {
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
  const double root = std::sqrt(n / (n + m) * m);
  const bool many = std::min(n, m) >= kLeastSize;
  const double corrected = kuiper_tail((root + 0.155 + 0.24 / root) * v);
  const double bound = many ? std::min(1.0, kFactor * corrected) : 1.0;
  if (!exact) return std::min(bound, kuiper_tail(root * v));
  if (many && !merged.has_ties()) return bound;
  const double least = std::min(bound, ks_p_value(merged, v / 2.0));
  if (least * (kKuiperDraws + 1.0) < 1.0) return least;
  return permuted_p_value(merged, kKuiperDraws, [v](const MergedView& dealt) {
    return kuiper_statistic(dealt) >= v * kSlack;
  });
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
