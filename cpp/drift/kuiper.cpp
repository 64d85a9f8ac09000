#include "drift/kuiper.hpp"

#include <algorithm>
#include <cmath>

#include "drift/ks.hpp"
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

}  // namespace

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
