#include "lightmeter/drift/circular.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "drift/random_split.hpp"
#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr double kSlack = 1.0 - 1e-12;
constexpr std::uint64_t kMostDealt = 10000;

double dealt_p_value(std::span<const std::uint64_t> pooled, const MergedView& merged, double v) {
  const double n = static_cast<double>(merged.n_target);
  const double all = n + static_cast<double>(merged.n_reference);
  const double bound = v * merged.area() * kSlack;
  std::vector<std::uint64_t> part;
  Random random(0x4B5550);
  return monte_carlo_p([&] {
    random_split(pooled, merged.n_target, random, part);
    double difference = 0.0;
    double highest = 0.0;
    double lowest = 0.0;
    for (std::size_t i = 0; i < pooled.size(); ++i) {
      difference += static_cast<double>(part[i]) * all - static_cast<double>(pooled[i]) * n;
      highest = std::max(highest, difference);
      lowest = std::min(lowest, difference);
    }
    return highest - lowest >= bound;
  });
}

double kuiper_p_value(const MergedView& merged, double v, bool exact) {
  const double bound = exact ? ks_p_value(merged, v / 2.0)
                             : ks_p_value_untied(merged.n_target, merged.n_reference, v / 2.0);
  if (bound * (kDraws + 1.0) < 1.0) return bound;
  const std::uint64_t all = merged.n_target + merged.n_reference;
  if (exact) {
    std::vector<std::uint64_t> pooled(merged.size());
    for (std::size_t i = 0; i < pooled.size(); ++i) pooled[i] = merged.pooled(i);
    return dealt_p_value(pooled, merged, v);
  }
  if (all <= kMostDealt) {
    const std::vector<std::uint64_t> pooled(static_cast<std::size_t>(all), 1);
    return dealt_p_value(pooled, merged, v);
  }
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
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
    if ((seen += length) >= kHueSteps / 2.0) break;
  }
  double sum = 0.0;
  for (const auto& [value, length] : parts) sum += std::abs(value - median) * length;
  return sum;
}

CircularMoments circular_moments(const sketch::SortedView& view) {
  constexpr double kRadians = 2.0 * std::numbers::pi / kHueSteps;
  double x = 0.0;
  double y = 0.0;
  double n = 0.0;
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const double weight = static_cast<double>(view.weight(i));
    const double angle = (view.values[i] + 0.5) * kRadians;
    x += weight * std::cos(angle);
    y += weight * std::sin(angle);
    n += weight;
  }
  const double length = std::min(1.0, std::hypot(x, y) / n);
  if (!(length > 1e-12)) {
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
  }
  double mean = std::atan2(y, x) / kRadians - 0.5;
  if (mean < 0.0) mean += kHueSteps;
  return {mean, std::sqrt(-2.0 * std::log(length)) / kRadians};
}

}  // namespace lightmeter::drift
