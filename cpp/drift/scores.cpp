#include "drift/scores.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

// The integrals from 0 to u of the three scores; they are of odd or even symmetry about 1/2.
//   z = Phi^-1(u): -phi(z);   z^2: u - z phi(z);   (2u - 1)^32: (1 + (2u - 1)^33) / 66
Sums integrals(double u) {
  if (u <= 0.0) return {0.0, 0.0, 0.0};
  if (u >= 1.0) return {0.0, 1.0, 1.0 / 33.0};
  const double z = normal_quantile(u);
  const double density = std::exp(-z * z / 2.0) / std::sqrt(2.0 * std::numbers::pi);
  const double v = 2.0 * u - 1.0;
  double power = v * v;
  for (int doubling = 0; doubling < 4; ++doubling) power *= power;
  return {-density, u - z * density, (1.0 + power * v) / 66.0};
}

constexpr Sums kMeans{0.0, 1.0, 1.0 / 33.0};

double count(std::uint64_t n) { return static_cast<double>(static_cast<std::int64_t>(n)); }

// Gram and Schmidt: what to add up of scores with these products, so that the sums over the target
// are uncorrelated and have variance 1. Nothing of a score that depends on those before it.
std::array<Sums, kScores> uncorrelated(const std::array<Sums, kScores>& products, double of_sum) {
  constexpr double kNothingNew = 1e-9;
  const auto product = [&](const Sums& a, const Sums& b) {
    double sum = 0.0;
    for (std::size_t j = 0; j < kScores; ++j) {
      for (std::size_t k = 0; k < kScores; ++k) {
        sum += a[j] * b[k] * products[std::max(j, k)][std::min(j, k)];
      }
    }
    return sum * of_sum;
  };
  std::array<Sums, kScores> weights{};
  for (std::size_t k = 0; k < kScores; ++k) {
    Sums own{};
    own[k] = 1.0;
    for (int turn = 0; turn < 2; ++turn) {  // once leaves rounding errors
      for (std::size_t j = 0; j < k; ++j) {
        const double common = product(weights[j], own);
        for (std::size_t l = 0; l < kScores; ++l) own[l] -= common * weights[j][l];
      }
    }
    const double left = product(own, own);
    const double whole = products[k][k] * of_sum;
    if (!(left > kNothingNew * whole)) continue;
    for (std::size_t l = 0; l < kScores; ++l) weights[k][l] = own[l] / std::sqrt(left);
  }
  return weights;
}

}  // namespace

Scores::Scores(const MergedView& merged) : of(merged.size()) {
  const double n = count(merged.n_target);
  const double m = count(merged.n_reference);
  const double all = n + m;
  const double of_sum = n * m / (all * (all - 1.0));  // variance of a sum, of the sum of squares
  Sums before = integrals(0.0);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    seen += merged.pooled(i);
    const Sums here = integrals(count(seen) / all);
    const double share = count(merged.pooled(i)) / all;
    for (std::size_t k = 0; k < kScores; ++k) of[i][k] = (here[k] - before[k]) / share - kMeans[k];
    before = here;
  }
  std::array<Sums, kScores> products{};
  for (std::size_t i = 0; i < of.size(); ++i) {
    const Sums& score = of[i];
    const double weight = count(merged.pooled(i));
    for (std::size_t k = 0; k < kScores; ++k) {
      for (std::size_t j = 0; j <= k; ++j) products[k][j] += weight * score[k] * score[j];
    }
  }
  const std::array<Sums, kScores> weights = uncorrelated(products, of_sum);
  for (std::size_t i = 0; i < of.size(); ++i) {
    Sums score{};
    for (std::size_t k = 0; k < kScores; ++k) {
      for (std::size_t j = 0; j <= k; ++j) score[k] += weights[k][j] * of[i][j];
      skewness[k] += count(merged.pooled(i)) * score[k] * score[k] * score[k];
      largest = std::max(largest, std::abs(score[k]));
    }
    of[i] = score;
    if (i > 0) step = std::max(step, std::abs(score[0] - of[i - 1][0]));
  }
  for (double& each : skewness) {
    each = all > 2.0 ? each * of_sum * (m - n) / (all - 2.0) : 0.0;
  }
}

Sums Scores::observed(const MergedView& merged) const {
  Sums sums{};
  for (std::size_t i = 0; i < of.size(); ++i) {
    for (std::size_t k = 0; k < kScores; ++k) sums[k] += count(merged.target[i]) * of[i][k];
  }
  return sums;
}

// Wilson and Hilferty's cube root makes a gamma variable of this skewness about normal.
Sums Scores::straightened(Sums w) const {
  for (std::size_t k = 0; k < kScores; ++k) {
    const double skew = skewness[k];
    if (std::abs(skew) < 1e-6) continue;
    const double base = std::max(0.0, 1.0 + skew * w[k] / 2.0);
    w[k] = 6.0 / skew * (std::cbrt(base) - 1.0) + skew / 6.0;
  }
  return w;
}

double rank_score_statistic(const Sums& straight) {
  const double first = straight[0] * straight[0];
  return std::max(first,
                  first + straight[1] * straight[1] + straight[2] * straight[2] - kSpentOnLocation);
}

Sums dealt_sums(std::span<const Sums> scores, std::uint64_t sample, Random& random,
                std::span<std::uint32_t> order) {
  Sums sums{};
  for (std::size_t i = 0; i < sample; ++i) {
    const std::uint64_t left = order.size() - i;
    const std::size_t j = i + static_cast<std::size_t>((random.bits() * left) >> 32);
    std::swap(order[i], order[j]);
    const Sums& score = scores[order[i]];
    for (std::size_t k = 0; k < kScores; ++k) sums[k] += score[k];
  }
  return sums;
}

// The j-th value of the target has the rank (j + references below it) / N. That many references are
// known between ends, as is where it lies: above all values whose share of the target is surely
// less than j / n, and not above the first whose share is surely at least that. A score is the sum
// of a part that rises with the rank and one that falls.
SumBounds sum_bounds(const MergedView& merged, const Scores& scores, double target_error,
                     double reference_error) {
  const std::size_t size = merged.size();
  const double n = count(merged.n_target);
  const double m = count(merged.n_reference);
  std::vector<double> target(size);
  std::vector<double> reference(size);
  std::vector<double> pooled(size);
  std::vector<Sums> rising(size);
  std::vector<Sums> falling(size);
  std::uint64_t of_target = 0;
  std::uint64_t of_reference = 0;
  for (std::size_t i = 0; i < size; ++i) {
    of_target += merged.target[i];
    of_reference += merged.reference[i];
    target[i] = count(of_target) / n;
    reference[i] = count(of_reference) / m;
    pooled[i] = count(of_target + of_reference) / (n + m);
    for (std::size_t k = 0; k < kScores; ++k) {
      const double step = i == 0 ? scores.of[0][k] : scores.of[i][k] - scores.of[i - 1][k];
      rising[i][k] = (i == 0 ? 0.0 : rising[i - 1][k]) + (i == 0 ? step : std::max(step, 0.0));
      falling[i][k] = i == 0 ? 0.0 : falling[i - 1][k] + std::min(step, 0.0);
    }
  }
  SumBounds bounds;
  std::size_t above = 0;      // the first value whose share of the target is large enough
  std::size_t not_below = 0;  // the first value whose share is not too small
  std::size_t highest = 0;    // where the highest and the lowest rank lie
  std::size_t lowest = 0;
  double before = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    if (merged.target[i] == 0) continue;
    while (above < size && target[above] < target[i] + target_error) ++above;
    while (not_below < size && target[not_below] <= before - target_error) ++not_below;
    const double most = above < size ? std::min(1.0, reference[above] + reference_error) : 1.0;
    const double least =
        not_below > 0 ? std::max(0.0, reference[not_below - 1] - reference_error) : 0.0;
    const double high = (n * target[i] + m * most) / (n + m);
    const double low = (n * before + m * least) / (n + m);
    while (highest + 1 < size && pooled[highest] < high) ++highest;
    while (lowest + 1 < size && pooled[lowest] < low) ++lowest;
    before = target[i];
    const double weight = count(merged.target[i]);
    for (std::size_t k = 0; k < kScores; ++k) {
      bounds.high[k] += weight * (rising[highest][k] + falling[lowest][k]);
      bounds.low[k] += weight * (rising[lowest][k] + falling[highest][k]);
    }
  }
  return bounds;
}

}  // namespace lightmeter::drift
