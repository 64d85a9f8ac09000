#include "drift/rank_test.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "drift/random_split.hpp"
#include "drift/rank_scores.hpp"
#include "sketch/mix.hpp"

namespace lightmeter::drift {

namespace {

constexpr std::uint64_t kMostDealt = 200;  // of the smaller sample
// Large p-values may come from the limit, which is right to 7 % there: no verdict rests on them.
constexpr double kNoMatter = 0.08;
constexpr std::uint64_t kLeastForLimit = 10;
constexpr int kDeals = 9999;
constexpr double kManyDeals = 99999.0;  // of untied samples
constexpr std::uint64_t kMostShuffled = 1 << 16;
// What one value may weigh for the limit to hold, within a tenth, with ties: deals of sixteen kinds
// of values at 201 / 201 to 250 / 20 000.
constexpr double kMostWeight = 0.8;

Contingency swapped(Contingency merged) {
  std::swap(merged.target, merged.reference);
  std::swap(merged.n_target, merged.n_reference);
  return merged;
}

// T of random deals, rising.
using Deals = std::shared_ptr<const std::vector<double>>;

Deals deal_untied(std::uint64_t n, std::uint64_t m, double deals) {
  constexpr double kMostDraws = 5e6;  // of a value
  const std::uint64_t all = n + m;
  Contingency ranks;
  ranks.n_target = n;
  ranks.n_reference = m;
  ranks.target.assign(all, 0);
  ranks.reference.assign(all, 1);
  const RankScores scores(ranks);
  Random random(sketch::mix(n, m));
  std::vector<std::uint32_t> order(all);
  std::iota(order.begin(), order.end(), 0U);
  const double most = std::min(kMostDraws / static_cast<double>(n), deals);
  auto table = std::make_shared<std::vector<double>>(static_cast<std::size_t>(most));
  for (double& t : *table) {
    t = rank_statistic(scores.straightened(dealt_sums(scores.scores, n, random, order)));
  }
  std::ranges::sort(*table);
  return table;
}

// Tables are a function of the sizes alone, so it does not matter which are thrown away.
Deals untied_deals(std::uint64_t n, std::uint64_t m, double deals) {
  constexpr std::size_t kMostTables = 32;
  static std::mutex mutex;
  static std::map<std::tuple<std::uint64_t, std::uint64_t, double>, Deals> tables;
  const std::tuple sizes(n, m, deals);
  {
    const std::lock_guard lock(mutex);
    if (const auto found = tables.find(sizes); found != tables.end()) return found->second;
  }
  Deals table = deal_untied(n, m, deals);
  const std::lock_guard lock(mutex);
  if (tables.size() >= kMostTables) tables.clear();
  return tables.emplace(sizes, std::move(table)).first->second;
}

// One standard error more than the share of deals, as all samples of these sizes have them in
// common. A few deals tell enough of a large p-value.
double untied_p_value(double t, std::uint64_t n, std::uint64_t m) {
  constexpr double kFewDeals = 9999.0;
  constexpr double kEnoughHits = 200.0;
  constexpr std::uint64_t kAsInfinite = 1 << 16;
  double p = 1.0;
  for (const double deals : {kFewDeals, kManyDeals}) {
    const Deals table = untied_deals(n, std::min(m, kAsInfinite), deals);
    const auto first = std::ranges::lower_bound(*table, t * kSlack);
    const double hits = static_cast<double>(table->end() - first) + 1.0;
    p = (hits + std::sqrt(hits)) / (static_cast<double>(table->size()) + 1.0);
    if (hits >= kEnoughHits) break;
  }
  return std::min(p, 1.0);
}

double tied_p_value(const Contingency& merged, const RankScores& scores, double t) {
  const std::uint64_t n = merged.n_target;
  const std::uint64_t all = n + merged.n_reference;
  const auto exceeds = [&](const Sums& sums) {
    return rank_statistic(scores.straightened(sums)) >= t * kSlack;
  };
  if (all > kMostShuffled || n > 16 * merged.size()) {
    return permuted_p_value(merged, kDeals, [&](const Contingency& dealt) {
      return exceeds(scores.sums(dealt.target));
    });
  }
  std::vector<std::uint32_t> order;
  order.reserve(all);
  for (std::uint32_t i = 0; i < merged.size(); ++i) {
    order.insert(order.end(), merged.pooled(i), i);
  }
  Random random(merged.target, merged.reference);
  return monte_carlo_p(kDeals,
                       [&] { return exceeds(dealt_sums(scores.scores, n, random, order)); });
}

// Of the target, which is not larger than the reference.
double p_value(const Contingency& merged, const RankScores& scores, double t, bool exact,
               double needless) {
  const std::uint64_t n = merged.n_target;
  const double bound = n >= kLeastForLimit ? rank_test_tail(t) : 1.0;
  if (bound > kNoMatter && n >= kLeastForLimit) {
    return std::min(1.0, bound * (1.0 + 1.0 / static_cast<double>(n)));
  }
  if (!exact || !merged.has_ties()) {
    if (n > kMostDealt || needless * (kManyDeals + 1.0) <= 2.0) return bound;
    return std::min(bound, untied_p_value(t, n, merged.n_reference));
  }
  if (n > kMostDealt && scores.largest <= kMostWeight) {
    // Half a step for the lattice on which the sums of few values lie.
    const double root = std::max(0.0, std::sqrt(t) - scores.step / 2.0);
    return rank_test_tail(root * root);
  }
  if (needless * (kDeals + 1.0) <= 1.0) return 1.0 / (kDeals + 1.0);
  return tied_p_value(merged, scores, t);
}

// Without ties they depend on the sizes alone, which most features of a comparison share. Only exact
// sketches have no ties, and these are small.
RankScores scores_of(const Contingency& merged) {
  const std::pair sizes{merged.n_target, merged.n_reference};
  if (merged.has_ties()) return RankScores(merged);
  thread_local std::optional<RankScores> untied;
  thread_local std::pair<std::uint64_t, std::uint64_t> untied_sizes;
  if (!untied || untied_sizes != sizes) {
    untied.emplace(merged);
    untied_sizes = sizes;
  }
  return *untied;
}

}  // namespace

double rank_test_tail(double t) {
  const double p = std::erfc(std::sqrt(t / 2.0));
  return p * (2.0 - p);
}

Interval rank_test_p_value(const Contingency& merged, double target_error, double reference_error,
                           double needless) {
  if (merged.size() < 2) return {1.0, 1.0, 1.0};
  if (merged.n_target > merged.n_reference) {
    return rank_test_p_value(swapped(merged), reference_error, target_error, needless);
  }
  const RankScores scores = scores_of(merged);
  const Sums sums = scores.sums(merged.target);
  const bool exact = target_error == 0.0 && reference_error == 0.0;
  const auto p_at = [&](const Sums& straight) {
    return p_value(merged, scores, rank_statistic(straight), exact, needless);
  };
  const double p = p_at(scores.straightened(sums));
  if (exact) return {p, p, p};
  const Cumulated target(merged.target, target_error);
  const Cumulated reference(merged.reference, reference_error);
  const SumBounds bounds = sum_bounds(scores, target, reference);
  // The sums of both sides are 0 together, and the side that has fewer samples says more.
  const SumBounds opposite = sum_bounds(scores, reference, target);
  Sums low = sums;
  Sums high = sums;
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
