#include "drift/ks.hpp"

#include <algorithm>
#include <cmath>

#include "drift/lattice.hpp"
#include "drift/random_split.hpp"
#include "drift/slack.hpp"
#include "drift/special.hpp"

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

}  // namespace lightmeter::drift
