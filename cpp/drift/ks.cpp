#include "drift/ks.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "drift/lattice.hpp"
#include "drift/random_split.hpp"
#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr int kKsDraws = 9999;
// Above these products of the sample sizes the exact law takes too long. That of lists of values is
// not above the first.
constexpr double kExactLists = 0x1p20;
constexpr double kExact = 1e8;

std::vector<std::uint64_t> ends_of_ties(const Contingency& merged) {
  std::vector<std::uint64_t> ends;
  ends.reserve(merged.size());
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < merged.size(); ++i) ends.push_back(sum += merged.pooled(i));
  return ends;
}

}  // namespace

Gaps largest_gaps(const Contingency& merged) {
  Gaps gaps;
  double difference = 0.0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    difference += merged.step(i);
    gaps.above = std::max(gaps.above, difference);
    gaps.below = std::max(gaps.below, -difference);
  }
  return gaps;
}

double ks_statistic(const Contingency& merged) {
  const Gaps gaps = largest_gaps(merged);
  return std::max(gaps.above, gaps.below) / merged.area();
}

double ks_p_value(const Contingency& merged, double d, bool known) {
  const bool tied = known && merged.has_ties();
  const bool by_formula = !tied && merged.n_target == merged.n_reference;
  if (merged.area() <= (tied || by_formula ? kExact : kExactLists)) {
    return crossing_probability(merged.n_target, merged.n_reference,
                                std::ceil(d * merged.area() * kSlack),
                                tied ? ends_of_ties(merged) : std::vector<std::uint64_t>());
  }
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
  const double limit = kolmogorov_tail(std::sqrt(n / (n + m) * m) * d);
  if (!tied || limit * (kKsDraws + 1.0) < 1.0) return limit;
  return permuted_p_value(merged, kKsDraws, [d](const Contingency& dealt) {
    return ks_statistic(dealt) >= d * kSlack;
  });
}

}  // namespace lightmeter::drift
