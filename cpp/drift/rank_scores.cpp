#include "drift/rank_scores.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "drift/random_split.hpp"
#include "drift/rank_law.hpp"
#include "drift/scores.hpp"
#include "drift/slack.hpp"

namespace lightmeter::drift {

namespace {

constexpr std::uint64_t kMostDealt = 200;  // of the smaller sample
// Large p-values may come from the limit, which is right to 5 % there: no verdict rests on them.
constexpr double kNoMatter = 0.1;
constexpr std::uint64_t kLeastForLimit = 10;
constexpr int kDeals = 9999;
constexpr std::uint64_t kMostShuffled = 1 << 16;
// What one value may weigh for the limit to hold: as in two untied samples of kMostDealt.
constexpr double kMostWeight = 0.8;
constexpr std::size_t kMostKept = 4096;  // values whose scores are kept for the next feature

std::vector<std::uint64_t> pooled_counts(const MergedView& merged) {
  std::vector<std::uint64_t> counts(merged.size());
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = merged.pooled(i);
  return counts;
}

MergedView swapped(MergedView merged) {
  std::swap(merged.target, merged.reference);
  std::swap(merged.n_target, merged.n_reference);
  return merged;
}

// Without ties they depend on the sizes alone, which most features of a comparison share.
Scores scores_of(const MergedView& merged) {
  const std::pair sizes{merged.n_target, merged.n_reference};
  if (merged.has_ties() || merged.size() > kMostKept) return Scores(merged);
  thread_local std::optional<Scores> untied;
  thread_local std::pair<std::uint64_t, std::uint64_t> untied_sizes;
  if (!untied || untied_sizes != sizes) {
    untied.emplace(merged);
    untied_sizes = sizes;
  }
  return *untied;
}

double tied_p_value(const MergedView& merged, const Scores& scores, double t) {
  Random random(merged.target, merged.reference);
  const std::uint64_t smaller = std::min(merged.n_target, merged.n_reference);
  const double sign = smaller == merged.n_target ? 1.0 : -1.0;
  const auto exceeds = [&](Sums sums) {
    for (double& sum : sums) sum *= sign;
    return rank_score_statistic(scores.straightened(sums)) >= t * kSlack;
  };
  const std::vector<std::uint64_t> counts = pooled_counts(merged);
  const std::uint64_t all = merged.n_target + merged.n_reference;
  if (all <= kMostShuffled && smaller <= 16 * merged.size()) {
    std::vector<std::uint32_t> order;
    order.reserve(all);
    for (std::uint32_t i = 0; i < counts.size(); ++i) order.insert(order.end(), counts[i], i);
    return monte_carlo_p(kDeals,
                         [&] { return exceeds(dealt_sums(scores.of, smaller, random, order)); });
  }
  std::vector<std::uint64_t> part;
  return monte_carlo_p(kDeals, [&] {
    random_split(counts, smaller, random, part);
    Sums sums{};
    for (std::size_t i = 0; i < part.size(); ++i) {
      for (std::size_t k = 0; k < kScores; ++k) {
        sums[k] += static_cast<double>(part[i]) * scores.of[i][k];
      }
    }
    return exceeds(sums);
  });
}

double p_value(const MergedView& merged, const Scores& scores, double t, bool exact,
               double needless) {
  const std::uint64_t smaller = std::min(merged.n_target, merged.n_reference);
  const double limit = rank_score_tail(t);
  if (limit > kNoMatter && smaller >= kLeastForLimit) {
    return std::min(1.0, limit * (1.0 + 1.0 / static_cast<double>(smaller)));
  }
  const bool tied = exact && merged.has_ties();
  if (!tied) {
    const double bound = smaller >= kLeastForLimit ? rank_score_bound(t, smaller) : 1.0;
    // The least p-value of a table is twice that of one deal.
    if (smaller > kMostDealt || needless * (kMostTableDeals + 1.0) <= 2.0) return bound;
    return std::min(bound, untied_rank_score_p_value(t, merged.n_target, merged.n_reference));
  }
  if (smaller > kMostDealt && scores.largest <= kMostWeight) {
    // Half a step for the lattice on which the sums of few values lie.
    const double root = std::max(0.0, std::sqrt(t) - scores.step / 2.0);
    return rank_score_bound(root * root, smaller);
  }
  if (needless * (kDeals + 1.0) <= 1.0) return 1.0 / (kDeals + 1.0);
  return tied_p_value(merged, scores, t);
}

}  // namespace

Interval rank_score_p_value(const MergedView& merged, double target_error, double reference_error,
                            double needless) {
  if (merged.size() < 2) return {1.0, 1.0, 1.0};
  const Scores scores = scores_of(merged);
  const Sums w = scores.observed(merged);
  const bool exact = target_error == 0.0 && reference_error == 0.0;
  const auto p_at = [&](const Sums& straight) {
    return p_value(merged, scores, rank_score_statistic(straight), exact, needless);
  };
  const double p = p_at(scores.straightened(w));
  if (exact) return {p, p, p};
  const SumBounds bounds = sum_bounds(merged, scores, target_error, reference_error);
  // The sums of both sides are 0 together, and the side that has fewer samples says more.
  const SumBounds opposite = sum_bounds(swapped(merged), scores, reference_error, target_error);
  Sums low = w;
  Sums high = w;
  for (std::size_t k = 0; k < kScores; ++k) {
    low[k] = std::min(low[k], std::max(bounds.low[k], -opposite.high[k]));
    high[k] = std::max(high[k], std::min(bounds.high[k], -opposite.low[k]));
  }
  low = scores.straightened(low);
  high = scores.straightened(high);
  Sums nearest{};
  Sums farthest{};
  for (std::size_t k = 0; k < kScores; ++k) {
    nearest[k] = std::clamp(0.0, low[k], high[k]);
    farthest[k] = std::abs(low[k]) > std::abs(high[k]) ? low[k] : high[k];
  }
  return {p, std::min(p, p_at(farthest)), std::max(p, p_at(nearest))};
}

}  // namespace lightmeter::drift
