#include "lightmeter/drift/ks.hpp"

#include <algorithm>
#include <cmath>

#include "drift/lattice.hpp"
#include "drift/random_split.hpp"
#include "drift/slack.hpp"
#include "drift/special.hpp"
#include "lightmeter/nan.hpp"

namespace lightmeter::drift {

namespace {

constexpr int kKsDraws = 9999;

std::vector<std::uint64_t> block_ends(const MergedView& merged) {
  std::vector<std::uint64_t> ends;
  ends.reserve(merged.size());
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    sum += merged.pooled(i);
    ends.push_back(sum);
  }
  return ends;
}

double kolmogorov_limit(double n, double m, double d) {
  return kolmogorov_tail(std::sqrt(n / (n + m) * m) * d);
}

double permuted_p_value(const MergedView& merged, double d) {
  return permuted_p_value(
      merged, kKsDraws, [d](const MergedView& dealt) { return ks_statistic(dealt) >= d * kSlack; });
}

}  // namespace

double ks_statistic(const MergedView& merged) {
  double difference = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    difference += merged.step(i);
    largest = std::max(largest, std::abs(difference));
  }
  return largest == 0.0 ? 0.0 : largest / merged.area();
}

double ks_p_value_untied(std::uint64_t n, std::uint64_t m, double d) {
  const double area = static_cast<double>(n) * static_cast<double>(m);
  if (area > kExactArea) return kolmogorov_limit(static_cast<double>(n), static_cast<double>(m), d);
  return crossing_probability(n, m, std::ceil(d * area * kSlack), {});
}

double ks_p_value(const MergedView& merged, double d) {
  if (!merged.has_ties()) return ks_p_value_untied(merged.n_target, merged.n_reference, d);
  if (merged.area() <= kExactArea) {
    return crossing_probability(merged.n_target, merged.n_reference,
                                std::ceil(d * merged.area() * kSlack), block_ends(merged));
  }
  const double limit = kolmogorov_limit(static_cast<double>(merged.n_target),
                                        static_cast<double>(merged.n_reference), d);
  return limit * (kKsDraws + 1.0) < 1.0 ? limit : permuted_p_value(merged, d);
}

KsTest ks_test(const MergedView& merged, double error) {
  const double d = ks_statistic(merged);
  if (error == 0.0) {
    const double p = ks_p_value(merged, d);
    return {{d, d, d}, {p, p, p}};
  }
  const Interval range{d, std::max(0.0, d - error), std::min(1.0, d + error)};
  const auto p = [&](double at) {
    return ks_p_value_untied(merged.n_target, merged.n_reference, at);
  };
  return {range, {p(range.value), p(range.high), p(range.low)}};
}

double ks_threshold(const MergedView& merged, double error, double p, double floor) {
  constexpr double kStep = 0.001;
  constexpr double kNone = kNan;
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
  if (!(floor <= 1.0)) return kNone;
  // Far beyond the limit the exact law is slow to compute, and not ten times the limit.
  if (10.0 * kolmogorov_limit(n, m, floor) <= p) return floor + error;
  const bool exact = error == 0.0;
  if (exact && merged.has_ties() && merged.area() > kExactArea) return kNone;
  const auto p_at = [&](double d) {
    return exact ? ks_p_value(merged, d)
                 : ks_p_value_untied(merged.n_target, merged.n_reference, d);
  };
  const auto suffices = [&](double d) { return p_at(d) <= p; };
  // An exact p-value takes long, so few are asked for: the limit's D for `p`, moved by as much as
  // the exact law is off there, is within a step or two of the answer.
  const double scale = std::sqrt(n / (n + m) * m);
  const double guess = std::clamp(kolmogorov_quantile(p) / scale, floor, 1.0);
  const double there = p_at(guess);
  if (guess == floor && there <= p) return floor + error;
  const double off = (kolmogorov_quantile(p) - kolmogorov_quantile(there)) / scale;
  double low = floor;
  double high = std::clamp(guess + off + kStep / 2.0, floor, 1.0);
  double reach = kStep;
  for (; !suffices(high); reach *= 4.0) {
    if (high == 1.0) return kNone;
    low = high;
    high = std::min(1.0, high + reach);
  }
  for (; low == floor && high > floor; reach *= 4.0) {
    const double below = std::max(floor, high - reach);
    if (!suffices(below)) {
      low = below;
      break;
    }
    high = below;
  }
  if (high == floor) return floor + error;
  while (high - low > kStep) {
    const double middle = (low + high) / 2.0;
    (suffices(middle) ? high : low) = middle;
  }
  const double own = ks_statistic(merged) - error;
  if (low < own && own < high && suffices(own)) high = own;
  return high + error <= 1.0 ? high + error : kNone;
}

}  // namespace lightmeter::drift
