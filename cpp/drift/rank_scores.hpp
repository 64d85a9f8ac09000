#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drift/merged_view.hpp"
#include "drift/random_split.hpp"

namespace lightmeter::drift {

// Of location and of spread.
inline constexpr std::size_t kScores = 2;
using Sums = std::array<double, kScores>;

// Both scores of each distinct value of two samples, at least two values, see rank_test.hpp:
// centred, and scaled so that the sums over the target have variance 1 under random deals.
struct RankScores {
  explicit RankScores(const MergedView& merged);

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

// The least and the largest sums over the target where the distribution functions may be off by the
// errors.
struct SumBounds {
  Sums low{};
  Sums high{};
};
[[nodiscard]] SumBounds sum_bounds(const MergedView& merged, const RankScores& scores,
                                   double target_error, double reference_error);

}  // namespace lightmeter::drift
