#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "drift/ks.hpp"
#include "drift/lattice.hpp"
#include "drift/numbers.hpp"
#include "drift/random_split.hpp"
#include "drift/rates.hpp"
#include "drift/sketch_of.hpp"
#include "drift/special.hpp"

namespace lightmeter::drift {
namespace {

TEST(MergedView, CollapsesTies) {
  const auto a = sketch_of({1, 1, 2, 5});
  const auto b = sketch_of({1, 3, 5, 5, 5});
  const MergedView merged = merge_views(a.view(), b.view());
  EXPECT_EQ(merged.values, (std::vector<double>{1, 2, 3, 5}));
  EXPECT_EQ(merged.target, (std::vector<std::uint64_t>{2, 1, 0, 1}));
  EXPECT_EQ(merged.reference, (std::vector<std::uint64_t>{1, 0, 1, 3}));
  EXPECT_EQ(merged.n_target, 4U);
  EXPECT_EQ(merged.n_reference, 5U);
  EXPECT_TRUE(merged.has_ties());
}

TEST(Ks, DisjointSamplesHaveTwoExtremeOrders) {
  // 2 / C(10, 5), and 1 where all pooled values are tied.
  EXPECT_NEAR(crossing_probability(5, 5, 25, {}), 2.0 / 252.0, 1e-15);
  const std::vector<std::uint64_t> one_block{10};
  EXPECT_EQ(crossing_probability(5, 5, 1, one_block), 0.0);
  EXPECT_EQ(crossing_probability(5, 5, 0, one_block), 1.0);
}

TEST(Ks, IsSymmetric) {
  for (const double bound : {1.0, 30.0, 77.0, 200.0}) {
    EXPECT_NEAR(crossing_probability(13, 29, bound, {}), crossing_probability(29, 13, bound, {}),
                1e-15);
  }
}

// The limit is not below the exact p-value, which it takes the place of.
TEST(Ks, TheLimitIsABound) {
  for (const auto& [n, m] :
       {std::pair<std::uint64_t, std::uint64_t>{300, 3600}, {1024, 1025}, {1500, 3000}}) {
    Contingency sizes;
    sizes.push(n, m);
    const double area = sizes.area();
    for (const double p : {0.2, 0.05, 0.001}) {
      const double steps =
          std::ceil(std::sqrt(-std::log(p / 2.0) / 2.0 * area * static_cast<double>(n + m)));
      const double exact = crossing_probability(n, m, steps, {});
      const double limit = ks_p_value(sizes, steps / area, false);
      EXPECT_GE(limit, exact) << n << " " << m << " " << p;
      EXPECT_LE(limit, 1.12 * exact) << n << " " << m << " " << p;
    }
  }
}

TEST(Ks, LargeSamplesUseTheLimitOrDraws) {
  // Two values, nearly evenly spread: |normal| instead of Kolmogorov's law.
  sketch::QuantileSketch a;
  sketch::QuantileSketch b;
  a.update_counts(std::vector<double>{0, 1}, std::vector<std::uint64_t>{10000, 10000});
  b.update_counts(std::vector<double>{0, 1}, std::vector<std::uint64_t>{10100, 9900});
  const MergedView merged = merge_views(a.view(), b.view());
  EXPECT_NEAR(ks_p_value(merged, 0.0136, false), kolmogorov_tail(1.36), 1e-12);
  const double p = ks_p_value(merged, ks_statistic(merged), true);
  const double exact = fisher_exact(10000, 20000, 10100, 20000);
  EXPECT_NEAR(p, exact, 0.15);
  EXPECT_LT(p, kolmogorov_tail(0.5));
}

TEST(Ks, IsLessLikelyFartherOut) {
  const auto a = sketch_of({1, 2, 3, 4, 5, 6, 7, 8});
  const auto b = sketch_of({3, 4, 5, 6, 7, 8, 9, 10});
  const MergedView merged = merge_views(a.view(), b.view());
  const double d = ks_statistic(merged);
  const double p = ks_p_value(merged, d, false);
  EXPECT_LT(ks_p_value(merged, d + 0.2, false), p);
  EXPECT_LT(p, ks_p_value(merged, d - 0.2, false));
  EXPECT_LE(ks_p_value(merged, d, true), p + 1e-12);  // with the ties that there are
}

TEST(Special, TailsAreThoseOfTheTables) {
  EXPECT_NEAR(chi_square_tail(3.841458820694124, 1), 0.05, 1e-14);
  EXPECT_NEAR(chi_square_tail(16.918977604620448, 9), 0.05, 1e-13);
  EXPECT_NEAR(chi_square_tail(18.307038053275146, 10), 0.05, 1e-13);
  EXPECT_NEAR(chi_square_tail(30.14352720564616, 19), 0.05, 1e-12);
  EXPECT_NEAR(kolmogorov_tail(1.3580986393225507), 0.05, 1e-12);
  EXPECT_NEAR(kolmogorov_tail(0.499999), kolmogorov_tail(0.500001), 1e-5);
  EXPECT_NEAR(kuiper_tail(1.747), 0.05, 2e-4);
  EXPECT_NEAR(log_factorial(63) + std::log(64.0), log_factorial(64), 1e-13 * log_factorial(64));
}

// The mean and variance of each count against those of the hypergeometric law, in five standard
// errors, for small, large and lopsided cases.
TEST(RandomSplit, HasTheMomentsOfTheHypergeometricLaw) {
  Random random(1);
  for (const auto& [population, marked, sample] :
       {std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>{20, 7, 9},
        {1000, 300, 400},
        {1000, 800, 700},
        {1000000, 400000, 500000},
        {50, 49, 30}}) {
    const double share = static_cast<double>(marked) / static_cast<double>(population);
    const double mean = share * static_cast<double>(sample);
    const double variance = mean * (1 - share) * static_cast<double>(population - sample) /
                            static_cast<double>(population - 1);
    constexpr int kDrawn = 20000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kDrawn; ++i) {
      const double x = static_cast<double>(random.hypergeometric(population, marked, sample));
      sum += x - mean;
      squares += (x - mean) * (x - mean);
    }
    EXPECT_NEAR(sum / kDrawn, 0, 5 * std::sqrt(variance / kDrawn)) << population;
    EXPECT_NEAR(squares / kDrawn / variance, 1, 0.06) << population;
  }
}

TEST(RandomSplit, DealsEveryItemOnce) {
  const std::vector<std::uint64_t> pooled{1, 1, 50, 3, 1000, 1};
  std::vector<std::uint64_t> part;
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    random_split(pooled, 321, random, part);
    EXPECT_EQ(std::accumulate(part.begin(), part.end(), std::uint64_t{0}), 321U);
    for (std::size_t k = 0; k < pooled.size(); ++k) EXPECT_LE(part[k], pooled[k]);
  }
}

TEST(Distances, BinsHoldEverythingAndAtomsAlone) {
  std::vector<double> values(100);
  std::iota(values.begin(), values.end(), 0.0);
  for (int i = 0; i < 50; ++i) values.push_back(40.5);
  const auto a = sketch_of(values);
  const MergedView merged = merge_views(a.view(), a.view());
  const Contingency bins = quantile_bins(merged);
  EXPECT_EQ(std::accumulate(bins.target.begin(), bins.target.end(), std::uint64_t{0}), 150U);
  EXPECT_EQ(std::count(bins.target.begin(), bins.target.end(), 50U), 1);
  EXPECT_LE(bins.target.size(), 20U);
  EXPECT_EQ(binned_distances(bins).hellinger, 0.0);
}

}  // namespace
}  // namespace lightmeter::drift
