#include "drift/circular.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "drift/ks.hpp"
#include "drift/random_split.hpp"
#include "drift/special.hpp"
#include "nan.hpp"

namespace lightmeter::drift {

namespace {

constexpr int kKuiperDraws = 2499;

// Of so many values on either side the share of random deals beyond is at most 1.15 times the limit
// with Stephens' correction, for limits from 0.05 to 1e-6. With 10 on either side it is 1.4 times.
constexpr double kLeastSize = 20.0;
constexpr double kFactor = 1.2;

}  // namespace

double circular_wasserstein(const MergedView& merged) {
  std::vector<std::pair<double, double>> parts;  // difference of F, and over how many steps
  double difference = 0.0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    difference += merged.step(i) / merged.area();
    const bool last = i + 1 == merged.size();
    const double end = last ? merged.values.front() + kHueSteps : merged.values[i + 1];
    parts.emplace_back(last ? 0.0 : difference, end - merged.values[i]);
  }
  std::ranges::sort(parts);
  double seen = 0.0;
  double median = 0.0;
  for (const auto& [value, length] : parts) {
    median = value;
    seen += length;
    if (seen >= kHueSteps / 2.0) break;
  }
  double sum = 0.0;
  for (const auto& [value, length] : parts) sum += std::abs(value - median) * length;
  return sum;
}

Level circular_level(const sketch::SortedView& view) {
  constexpr double kRadians = kernels::hue_angle(1.0);
  double x = 0.0;
  double y = 0.0;
  double n = 0.0;
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const double weight = static_cast<double>(view.weight(i));
    const double angle = kernels::hue_angle(view.values[i] + 0.5);
    x += weight * std::cos(angle);
    y += weight * std::sin(angle);
    n += weight;
  }
  const double length = std::min(std::hypot(x, y) / n, 1.0);  // NaN of no hue
  if (!(length > 1e-12)) {
    return {kNan, std::numeric_limits<double>::infinity()};
  }
  double mean = std::atan2(y, x) / kRadians - 0.5;
  if (std::abs(mean) < 1e-9) mean = 0.0;  // what rounding left of a hue of 0
  if (mean < 0.0) mean += kHueSteps;
  return {mean, std::sqrt(-2.0 * std::log(length)) / kRadians + 0.0};  // no -0
}

double kuiper_statistic(const Contingency& merged) {
  const Gaps gaps = largest_gaps(merged);
  return (gaps.above + gaps.below) / merged.area();
}

double kuiper_p_value(const Contingency& merged, double v, bool known) {
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
  const double root = std::sqrt(n / (n + m) * m);
  const bool many = std::min(n, m) >= kLeastSize;
  const double corrected = kuiper_tail((root + 0.155 + 0.24 / root) * v);
  const double bound = many ? std::min(1.0, kFactor * corrected) : 1.0;
  if (!known) return std::min(bound, kuiper_tail(root * v));
  if (many && !merged.has_ties()) return bound;
  const double least = std::min(bound, ks_p_value(merged, v / 2.0, true));
  if (least * (kKuiperDraws + 1.0) < 1.0) return least;
  return permuted_p_value(merged, kKuiperDraws, [v](const Contingency& dealt) {
    return kuiper_statistic(dealt) >= v * kSlack;
  });
}

}  // namespace lightmeter::drift
