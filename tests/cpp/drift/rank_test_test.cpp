#include "drift/rank_test.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "drift/numbers.hpp"
#include "drift/rank_scores.hpp"
#include "drift/sketch_of.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::drift {
namespace {

double statistic_of(const Contingency& merged) {
  const RankScores scores(merged);
  return rank_statistic(scores.straightened(scores.sums(merged.target)));
}

// Over all ways to deal the labels.
double exact_p(const Contingency& merged) {
  const RankScores scores(merged);
  std::vector<std::size_t> items;
  for (std::size_t i = 0; i < merged.size(); ++i) items.insert(items.end(), merged.pooled(i), i);
  const double seen = statistic_of(merged) * kSlack;
  double hits = 0.0;
  double all = 0.0;
  for (std::uint32_t dealt = 0; dealt < 1U << items.size(); ++dealt) {
    if (static_cast<std::uint64_t>(std::popcount(dealt)) != merged.n_target) continue;
    Sums sums{};
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (std::size_t k = 0; (dealt >> i & 1U) != 0 && k < kScores; ++k) {
        sums[k] += scores.scores[items[i]][k];
      }
    }
    hits += rank_statistic(scores.straightened(sums)) >= seen ? 1.0 : 0.0;
    all += 1.0;
  }
  return hits / all;
}

TEST(RankTest, SumsOfAllDealsHaveMean0AndVariance1) {
  const auto a = sketch_of({1, 2, 2, 3, 9});
  const auto b = sketch_of({2, 4, 4, 5, 6, 7, 8});
  const MergedView merged = merge_views(a.view(), b.view());
  const RankScores scores(merged);
  for (std::size_t k = 0; k < kScores; ++k) {
    double sum = 0.0;
    for (std::size_t i = 0; i < merged.size(); ++i) {
      sum += static_cast<double>(merged.pooled(i)) * scores.scores[i][k];
    }
    EXPECT_NEAR(sum, 0.0, 1e-12);
    double squares = 0.0;
    for (std::size_t i = 0; i < merged.size(); ++i) {
      squares += static_cast<double>(merged.pooled(i)) * scores.scores[i][k] * scores.scores[i][k];
    }
    EXPECT_NEAR(squares * 5.0 * 7.0 / (12.0 * 11.0), 1.0, 1e-12);
  }
}

TEST(RankTest, DealsEstimateTheShareOfAllDeals) {
  for (const double moved : {0.0, 3.0, 6.0}) {
    for (const double grain : {1.0, 2.0, 4.0}) {
      std::vector<double> first;
      std::vector<double> second;
      for (int i = 0; i < 7; ++i) first.push_back(std::floor((i + moved) / grain));
      for (int i = 0; i < 9; ++i) second.push_back(std::floor((i * 0.9 + 0.01) / grain));
      const auto a = sketch_of(first);
      const auto b = sketch_of(second);
      const MergedView merged = merge_views(a.view(), b.view());
      const double p = exact_p(merged);
      const double found = rank_test_p_value(merged, 0.0, 0.0, 1.0).value;
      if (p <= 0.09) {
        EXPECT_NEAR(found, p, 5.0 * p / std::sqrt(90.0) + 2e-4) << moved << ' ' << grain;
      } else {
        EXPECT_GT(found, 0.7 * p) << moved << ' ' << grain;
      }
    }
  }
}

TEST(RankTest, TheTailIsThatOfTheLargerOfTwoNormalVariables) {
  // q (2 - q) with q = scipy.stats.chi2.sf(t, 1).
  EXPECT_NEAR(rank_test_tail(0.5), 0.7290798771966036, 1e-12);
  EXPECT_NEAR(rank_test_tail(8.0), 0.009333588757541639, 1e-14);
  EXPECT_NEAR(rank_test_tail(20.0), 1.5488372889200045e-05, 1e-17);
  EXPECT_EQ(rank_test_tail(0.0), 1.0);
}

TEST(RankTest, TwoValuesAreTestedExactlyAndOneSaysNothing) {
  const auto a = sketch_of({0, 0, 0, 0, 1, 1});
  const auto b = sketch_of({0, 1, 1, 1, 1, 1});
  const NumberDrift drift = compare_numbers({a, {}}, {b, {}}, Axis::kLine, true, 0.01);
  EXPECT_EQ(drift.p_value.value, drift.ks_p_value.value);
  const auto same = sketch_of({3, 3, 3});
  EXPECT_EQ(rank_test_p_value(merge_views(same.view(), same.view()), 0.0, 0.0, 1.0).value, 1.0);
}

}  // namespace
}  // namespace lightmeter::drift
