#include "drift/rank_scores.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr Sums kMeans{0.0, 1.0};

// The integrals of both scores from 0 to u: -phi(z) of z, and u - z phi(z) of z^2.
Sums integrals(double u) {
  if (u <= 0.0) return {0.0, 0.0};
  if (u >= 1.0) return kMeans;
  const double z = normal_quantile(u);
  const double density = std::exp(-z * z / 2.0) / std::sqrt(2.0 * std::numbers::pi);
  return {-density, u - z * density};
}

double count(std::uint64_t n) { return static_cast<double>(static_cast<std::int64_t>(n)); }

}  // namespace

RankScores::RankScores(const Contingency& merged) : scores(merged.size()) {
  const double n = count(merged.n_target);
  const double m = count(merged.n_reference);
  const double all = n + m;
  const double of_sum = n * m / (all * (all - 1.0));  // variance of a sum, of the sum of squares
  Sums before = integrals(0.0);
  Sums squares{};
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    seen += merged.pooled(i);
    const Sums here = integrals(count(seen) / all);
    const double weight = count(merged.pooled(i));
    const double steps = all / weight;
    for (std::size_t k = 0; k < kScores; ++k) {
      scores[i][k] = (here[k] - before[k]) * steps - kMeans[k];
      squares[k] += weight * scores[i][k] * scores[i][k];
    }
    before = here;
  }
  for (std::size_t k = 0; k < kScores; ++k) {
    const double scale = squares[k] > 0.0 ? 1.0 / std::sqrt(squares[k] * of_sum) : 0.0;
    double cubes = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      double& score = scores[i][k];
      score *= scale;
      cubes += count(merged.pooled(i)) * score * score * score;
      largest = std::max(largest, std::abs(score));
      if (k == 0 && i > 0) step = std::max(step, score - scores[i - 1][k]);
    }
    skewness[k] = all > 2.0 ? cubes * of_sum * (m - n) / (all - 2.0) : 0.0;
  }
}

Sums RankScores::sums(std::span<const std::uint64_t> counts) const {
  Sums sums{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (std::size_t k = 0; k < kScores; ++k) sums[k] += count(counts[i]) * scores[i][k];
  }
  return sums;
}

// Wilson and Hilferty's cube root makes a gamma variable of this skewness about normal.
Sums RankScores::straightened(Sums sums) const {
  for (std::size_t k = 0; k < kScores; ++k) {
    const double skew = skewness[k];
    if (std::abs(skew) < 1e-6) continue;
    const double base = std::max(0.0, 1.0 + skew * sums[k] / 2.0);
    sums[k] = 6.0 / skew * (std::cbrt(base) - 1.0) + skew / 6.0;
  }
  return sums;
}

double rank_statistic(const Sums& straight) {
  const double w = std::max(std::abs(straight[0]), std::abs(straight[1]));
  return w * w;
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

Cumulated::Cumulated(std::span<const std::uint64_t> counts_, double error) : counts(counts_) {
  up_to.reserve(counts.size());
  double sum = 0.0;
  for (const std::uint64_t times : counts) up_to.push_back(sum += count(times));
  off = error * sum;
}

// The j-th value of the side has the rank j + others below it. That many others are known between
// ends, as is where it lies: above all values up to which the side surely has less than j, and not
// above the first up to which it surely has that. From one value to the next a score falls up to
// its least and rises from there on, also where it is a mean of ties.
SumBounds sum_bounds(const RankScores& scores, const Cumulated& own, const Cumulated& other) {
  const std::size_t size = own.counts.size();
  std::array<std::size_t, kScores> least{};
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t k = 0; k < kScores; ++k) {
      if (scores.scores[i][k] < scores.scores[least[k]][k]) least[k] = i;
    }
  }
  const double others = other.up_to.back();
  SumBounds bounds;
  std::size_t above = 0;      // the first value up to which the side has enough
  std::size_t not_below = 0;  // the first value up to which it has not too few
  std::size_t highest = 0;    // where the highest and the lowest rank lie
  std::size_t lowest = 0;
  double before = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    if (own.counts[i] == 0) continue;
    while (above < size && own.up_to[above] < own.up_to[i] + own.off) ++above;
    while (not_below < size && own.up_to[not_below] <= before - own.off) ++not_below;
    const double most = above < size ? std::min(others, other.up_to[above] + other.off) : others;
    const double fewest =
        not_below > 0 ? std::max(0.0, other.up_to[not_below - 1] - other.off) : 0.0;
    const auto move = [&](std::size_t& at, double rank) {
      while (at + 1 < size && own.up_to[at] + other.up_to[at] < rank) ++at;
    };
    move(highest, own.up_to[i] + most);
    move(lowest, before + fewest);
    before = own.up_to[i];
    const double weight = count(own.counts[i]);
    for (std::size_t k = 0; k < kScores; ++k) {
      const auto score = [&](std::size_t at) { return weight * scores.scores[at][k]; };
      bounds.high[k] += std::max(score(lowest), score(highest));
      bounds.low[k] += score(std::clamp(least[k], lowest, highest));
    }
  }
  return bounds;
}

}  // namespace lightmeter::drift
