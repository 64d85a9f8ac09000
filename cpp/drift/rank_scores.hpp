#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drift/contingency.hpp"
#include "drift/random_split.hpp"

namespace lightmeter::drift {

// Of location and of spread.
inline constexpr std::size_t kScores = 2;
using Sums = std::array<double, kScores>;

// Both scores of each distinct value of two samples, at least two values, see rank_test.hpp:
// centred, and scaled so that the sums over the target have variance 1 under random deals.
struct RankScores {
  explicit RankScores(const Contingency& merged);

  std::vector<Sums> scores;
  Sums skewness{};       // of the sums over the target
  double largest = 0.0;  // of all |score|
  double step = 0.0;     // the largest from one value to the next of the first score

  // Sums over the side that has each value so often.
  [[nodiscard]] Sums sums(std::span<const std::uint64_t> counts) const;
  // Such sums over the target without their skewness.
  [[nodiscard]] Sums straightened(Sums sums) const;
};

// T of straightened sums.
[[nodiscard]] double rank_statistic(const Sums& straight);

// The sums of a random deal of `sample` values; order[i] is the place of the score of value i, and
// is shuffled further by each deal.
[[nodiscard]] Sums dealt_sums(std::span<const Sums> scores, std::uint64_t sample, Random& random,
                              std::span<std::uint32_t> order);

// How many numbers of a sample are up to each value, and by how many these may be off.
struct Cumulated {
  Cumulated(std::span<const std::uint64_t> counts, double error);

  std::span<const std::uint64_t> counts;
  std::vector<double> up_to;
  double off;
};

// Between what the sums over one side lie where both are off.
struct SumBounds {
  Sums low{};
  Sums high{};
};
[[nodiscard]] SumBounds sum_bounds(const RankScores& scores, const Cumulated& own,
                                   const Cumulated& other);

}  // namespace lightmeter::drift
