#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drift/merged_view.hpp"
#include "drift/random_split.hpp"

namespace lightmeter::drift {

inline constexpr std::size_t kScores = 3;
// How much more the three scores together must say than location alone, see rank_scores.hpp.
inline constexpr double kSpentOnLocation = 7.0;
using Sums = std::array<double, kScores>;

// The scores of each distinct value of both samples, see rank_scores.hpp: centred, uncorrelated,
// and scaled so that the sums over the target have variance 1 under random deals. A score that
// says nothing beyond those before it is 0.
struct Scores {
  explicit Scores(const MergedView& merged);

  std::vector<Sums> of;
  // Skewness of the sums over the target.
  Sums skewness{};
  double largest = 0.0;  // of all |score|
  double step = 0.0;     // the largest from one value to the next of the first score

  // W of the target's sums.
  [[nodiscard]] Sums observed(const MergedView& merged) const;
  // Such W without their skewness.
  [[nodiscard]] Sums straightened(Sums w) const;
};

// T of straightened W.
[[nodiscard]] double rank_score_statistic(const Sums& straight);

// The sums of a random deal of `sample` values; order[i] says which score value i has, and is
// shuffled further by each deal.
[[nodiscard]] Sums dealt_sums(std::span<const Sums> scores, std::uint64_t sample, Random& random,
                              std::span<std::uint32_t> order);

// The least and the largest W of the target where the distribution functions may be off by the
// errors.
struct SumBounds {
  Sums low{};
  Sums high{};
};
[[nodiscard]] SumBounds sum_bounds(const MergedView& merged, const Scores& scores,
                                   double target_error, double reference_error);

}  // namespace lightmeter::drift
