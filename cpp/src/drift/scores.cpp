#include "drift/scores.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

#include "drift/rank_law.hpp"
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

// Means of the rising and of the falling part of each score over a run of ranks. A sum of the two
// is the score.
struct Parts {
  Sums rising;
  Sums falling;
};

Parts parts(double from, double to) {
  const double length = to - from;
  const auto mean = [&](double a, double b) {
    const Sums low = integrals(a);
    const Sums high = integrals(b);
    return Sums{(high[0] - low[0]) / length, (high[1] - low[1]) / length,
                (high[2] - low[2]) / length};
  };
  Parts result{mean(std::max(from, 0.5), std::max(to, 0.5)),
               mean(std::min(from, 0.5), std::min(to, 0.5))};
  // The first score rises everywhere.
  result.rising[0] += result.falling[0];
  result.falling[0] = 0.0;
  return result;
}

double count(std::uint64_t n) { return static_cast<double>(static_cast<std::int64_t>(n)); }

}  // namespace

Scores::Scores(const MergedView& merged) : of(merged.size()) {
  const double n = count(merged.n_target);
  const double m = count(merged.n_reference);
  const double all = n + m;
  Sums before = integrals(0.0);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    seen += merged.pooled(i);
    const Sums here = integrals(count(seen) / all);
    const double share = count(merged.pooled(i)) / all;
    for (std::size_t k = 0; k < kScores; ++k) of[i][k] = (here[k] - before[k]) / share - kMeans[k];
    before = here;
  }
  const auto product = [&](std::size_t j, std::size_t k) {
    double sum = 0.0;
    for (std::size_t i = 0; i < of.size(); ++i)
      sum += count(merged.pooled(i)) * of[i][j] * of[i][k];
    return sum;
  };
  // Gram and Schmidt, twice, as once leaves rounding errors.
  constexpr double kNothingNew = 1e-9;
  const double of_sum = n * m / (all * (all - 1.0));
  for (std::size_t k = 0; k < kScores; ++k) {
    weights[k][k] = 1.0;
    const double whole = product(k, k);
    for (int turn = 0; turn < 2; ++turn) {
      for (std::size_t j = 0; j < k; ++j) {
        const double common = product(j, k) * of_sum;
        for (Sums& score : of) score[k] -= common * score[j];
        for (std::size_t l = 0; l < kScores; ++l) weights[k][l] -= common * weights[j][l];
      }
    }
    const double left = product(k, k);
    const bool is_new = left > kNothingNew * whole && left > 0.0;
    const double scale = is_new ? 1.0 / std::sqrt(left * of_sum) : 0.0;
    for (Sums& score : of) score[k] *= scale;
    for (double& weight : weights[k]) weight *= scale;
    expected[k] = n * kMeans[k];
  }
  for (std::size_t i = 0; i < of.size(); ++i) {
    for (std::size_t k = 0; k < kScores; ++k) {
      const double score = of[i][k];
      skewness[k] += count(merged.pooled(i)) * score * score * score;
      largest = std::max(largest, std::abs(score));
    }
    if (i > 0) step = std::max(step, std::abs(of[i][0] - of[i - 1][0]));
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

SumBounds sum_bounds(const MergedView& merged, double target_error, double pooled_error) {
  const double all = count(merged.n_target) + count(merged.n_reference);
  const double shortest = 1.0 / all;
  // Runs of ranks that are moved beyond an end keep to it.
  const auto moved = [&](double from, double to, double by) {
    from = std::clamp(from + by, 0.0, 1.0 - shortest);
    return parts(from, std::clamp(to + by, from + shortest, 1.0));
  };
  SumBounds bounds;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const double from = count(seen) / all;
    seen += merged.pooled(i);
    if (merged.target[i] == 0) continue;
    const double to = count(seen) / all;
    const Parts down = moved(from, to, -pooled_error);
    const Parts up = moved(from, to, pooled_error);
    for (std::size_t k = 0; k < kScores; ++k) {
      bounds.low[k] += count(merged.target[i]) * (down.rising[k] + up.falling[k]);
      bounds.high[k] += count(merged.target[i]) * (up.rising[k] + down.falling[k]);
    }
  }
  // Integration by parts: a sum over another sample moves by no more than the variation of the
  // score times the largest difference of the two distribution functions.
  const Parts least = parts(0.0, shortest);
  const Parts most = parts(1.0 - shortest, 1.0);
  for (std::size_t k = 0; k < kScores; ++k) {
    const double variation =
        k == 0 ? most.rising[0] - least.rising[0] : most.rising[k] + least.falling[k];
    const double reach = count(merged.n_target) * target_error * variation;
    bounds.low[k] -= reach;
    bounds.high[k] += reach;
  }
  return bounds;
}

}  // namespace lightmeter::drift
