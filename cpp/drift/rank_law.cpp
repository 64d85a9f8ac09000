#include "drift/rank_law.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "drift/merged_view.hpp"
#include "drift/random_split.hpp"
#include "drift/scores.hpp"
#include "drift/slack.hpp"
#include "sketch/mix.hpp"

namespace lightmeter::drift {

namespace {

constexpr double kMostDraws = 5e6;     // of a value, for one table
constexpr double kFewDeals = 9999.0;   // of a first table, which tells
constexpr double kEnoughHits = 200.0;  // what more would not change much
constexpr std::size_t kMostTables = 32;

using Deals = std::shared_ptr<const std::vector<double>>;  // T of each deal, rising

Deals deal(std::uint64_t n, std::uint64_t m, double deals) {
  const std::uint64_t all = n + m;
  MergedView ranks;
  ranks.n_target = n;
  ranks.n_reference = m;
  ranks.values.resize(all);
  ranks.target.assign(all, 0);
  ranks.reference.assign(all, 1);
  const Scores scores(ranks);
  Random random(sketch::mix(n, m));
  std::vector<std::uint32_t> order(all);
  std::iota(order.begin(), order.end(), 0U);
  const double most = kMostDraws / static_cast<double>(n);
  auto table =
      std::make_shared<std::vector<double>>(static_cast<std::size_t>(std::min(most, deals)));
  for (double& t : *table)
    t = rank_score_statistic(scores.straightened(dealt_sums(scores.of, n, random, order)));
  std::ranges::sort(*table);
  return table;
}

// Tables are a function of the sizes alone, so it does not matter which are thrown away.
Deals deals_of(std::uint64_t n, std::uint64_t m, double deals) {
  static std::mutex mutex;
  static std::map<std::tuple<std::uint64_t, std::uint64_t, double>, Deals> tables;
  const std::tuple sizes(n, m, deals);
  {
    const std::lock_guard lock(mutex);
    if (const auto at = tables.find(sizes); at != tables.end()) return at->second;
  }
  Deals table = deal(n, m, deals);
  const std::lock_guard lock(mutex);
  if (tables.size() >= kMostTables) tables.clear();
  return tables.emplace(sizes, std::move(table)).first->second;
}

}  // namespace

double rank_score_tail(double t) {
  if (!(t > 0.0)) return 1.0;
  return std::min(1.0, std::erfc(std::sqrt(t / 2.0)) + std::sqrt(2.0 * t / std::numbers::pi) *
                                                           std::exp(-(t + kSpentOnLocation) / 2.0));
}

double rank_score_bound(double t, std::uint64_t smaller) {
  constexpr double kLevel = 0.05;
  constexpr double kGrowth = 0.2;
  const double size = static_cast<double>(smaller);
  const double at = std::min(t, size / (4.0 * kGrowth));  // from there on the bound would rise
  return std::min(1.0, rank_score_tail(at) * std::exp(kLevel + kGrowth * at * at / size));
}

double untied_rank_score_p_value(double t, std::uint64_t n, std::uint64_t m) {
  constexpr std::uint64_t kAsInfinite = 1 << 16;  // of the larger sample
  const std::uint64_t smaller = std::min(n, m);
  const std::uint64_t larger = std::min(std::max(n, m), kAsInfinite);
  for (const double deals : {kFewDeals, kMostTableDeals}) {
    const Deals table = deals_of(smaller, larger, deals);
    const auto first = std::ranges::lower_bound(*table, t * kSlack);
    const double hits = static_cast<double>(table->end() - first) + 1.0;
    if (hits < kEnoughHits && deals < kMostTableDeals) continue;
    return std::min(1.0, (hits + std::sqrt(hits)) / (static_cast<double>(table->size()) + 1.0));
  }
  return 1.0;
}

}  // namespace lightmeter::drift
