// Every statistic against values computed beforehand: by SciPy 1.18 (ks_2samp with method="exact",
// chi2_contingency, fisher_exact, hypergeom, t, kstwobign, chi2, wasserstein_distance,
// jensenshannon, circstd), or, where "all deals" stands, by going through every deal of the labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "drift/categories.hpp"
#include "drift/circular.hpp"
#include "drift/ks.hpp"
#include "drift/lattice.hpp"
#include "drift/numbers.hpp"
#include "drift/rates.hpp"
#include "drift/sketch_of.hpp"
#include "drift/special.hpp"
#include "wire/wire.hpp"

namespace lightmeter::drift {
namespace {

using Counts = std::vector<std::uint64_t>;

sketch::QuantileSketch rising(int n, double first) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(first + i);
  return sketch_of(values);
}

sketch::FrequentStrings strings_of(const Counts& counts) {
  sketch::FrequentStrings strings;
  for (std::size_t i = 0; i < counts.size(); ++i) strings.update(std::to_string(i), counts[i]);
  return strings;
}

Contingency table(const Counts& target, const Counts& reference) {
  Contingency table;
  for (std::size_t i = 0; i < target.size(); ++i) table.push(target[i], reference[i]);
  return table;
}

Numbers numbers_of(const sketch::QuantileSketch& sketch) {
  sketch::Moments moments;
  const sketch::SortedView& view = sketch.view();
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    moments.update(view.values[i], view.weight(i));
  }
  return {sketch, moments};
}

NumberDrift compared(const sketch::QuantileSketch& target, const sketch::QuantileSketch& reference,
                     Axis axis = Axis::kLine, bool tested = true) {
  return compare_numbers(numbers_of(target), numbers_of(reference), axis, tested, 0.01);
}

// Of Monte Carlo estimates that stop at a hundred hits: five standard errors.
double doubt(double p) { return 0.001 + 0.5 * p; }

const sketch::QuantileSketch kUntied = sketch_of({10, 20, 30, 40, 50, 60, 70});
const sketch::QuantileSketch kUntiedToo = sketch_of({35, 45, 55, 65, 75, 85, 95, 105});
const sketch::QuantileSketch kTied = sketch_of({10, 10, 20, 20, 30, 40, 40});
const sketch::QuantileSketch kTiedToo = sketch_of({20, 30, 40, 40, 50, 50, 50});

MergedView untied() { return merge_views(kUntied.view(), kUntiedToo.view()); }
MergedView tied() { return merge_views(kTied.view(), kTiedToo.view()); }

TEST(Oracle, CrossingProbability) {
  struct Case {
    std::uint64_t n, m;
    double bound, p;
  };
  for (const auto& [n, m, bound, p] : {Case{50, 50, 13.0 * 50, 0.06779471096995852},
                                       {5000, 5000, 136.0 * 5000, 0.049481613624559065},
                                       {50, 37, 406, 0.21440078239805144},
                                       {300, 301, 18300, 6.3914711909147045e-06},
                                       {1, 64, 64, 2.0 / 65},
                                       {50, 50, 1, 1.0},
                                       {50, 37, 1, 1.0},
                                       {5000, 5000, 25e6, 0.0}}) {
    EXPECT_NEAR(crossing_probability(n, m, bound, {}), p, 1e-11 * p) << n << " " << m;
    Counts every;
    for (std::uint64_t step = 1; step <= n + m; ++step) every.push_back(step);
    if (n < 5000) {  // with ties that are none
      EXPECT_NEAR(crossing_probability(m, n, bound, every), p, 1e-11 * p) << n << " " << m;
    }
  }
}

TEST(Oracle, KuiperOverAllDeals) {
  EXPECT_DOUBLE_EQ(kuiper_statistic(untied()), 0.5);
  EXPECT_NEAR(kuiper_p_value(untied(), 0.5, true), 0.585081585081585, doubt(0.585));
  EXPECT_DOUBLE_EQ(kuiper_statistic(tied()), 3.0 / 7);
  EXPECT_NEAR(kuiper_p_value(tied(), 3.0 / 7, true), 0.6223776223776224, doubt(0.622));
}

TEST(Oracle, KuiperOfManyIsItsLimit) {
  const auto a = rising(6000, 0.0);
  const auto b = rising(6000, 150.5);
  const NumberDrift circle = compared(a, b, Axis::kHueCircle);
  EXPECT_NEAR(circle.statistic.high - circle.statistic.value,
              2.0 * (a.thinned()->error(0.005) + b.thinned()->error(0.005)), 1e-12);
  EXPECT_NEAR(circle.p_value.value, kuiper_tail(std::sqrt(3000.0) * circle.statistic.value), 1e-12);
  EXPECT_LE(circle.p_value.low, circle.p_value.value);
  EXPECT_LE(circle.p_value.value, circle.p_value.high);
}

TEST(Oracle, NumbersOnALineAndOnTheCircle) {
  const NumberDrift line = compared(kUntied, kUntiedToo);
  EXPECT_NEAR(line.ks_p_value.value, 0.19254079254079254, 1e-14);
  EXPECT_NEAR(line.wasserstein, 30.0, 1e-12);
  EXPECT_NEAR(compared(kTied, kTiedToo).wasserstein, 15.714285714285715, 1e-12);
  const NumberDrift circle = compared(kUntied, kUntiedToo, Axis::kHueCircle);
  EXPECT_DOUBLE_EQ(circle.statistic.value, 0.5);
  const NumberDrift pixels = compared(kUntied, kUntiedToo, Axis::kLine, false);
  EXPECT_EQ(pixels.p_value.high, 1.0);
  // Half of the first lot is beyond the sketch's sample: intervals.
  const NumberDrift sampled = compared(rising(5000, 0.0), rising(4000, 90.5));
  EXPECT_LT(sampled.statistic.low, sampled.statistic.high);
  EXPECT_LE(sampled.p_value.low, sampled.p_value.high);
}

// Of a sketch that samples a comparison reads as many values as a file has, and says what that costs.
TEST(Oracle, SamplesAreThinnedWithinTheirError) {
  const auto whole = rising(5000, 0.0);
  wire::Writer out;
  whole.encode(out);
  wire::Reader in(out.view());
  const auto decoded = sketch::QuantileSketch::decode(in);
  const auto other = rising(1000, 2200.5);
  const NumberDrift live = compared(whole, other);
  const NumberDrift read = compared(decoded, other);
  for (const NumberDrift& drift : {live, read}) {
    EXPECT_LE(drift.statistic.low, 0.4402);  // of all values
    EXPECT_GE(drift.statistic.high, 0.4402);
    EXPECT_NEAR(drift.statistic.value, 0.4402, 0.01);
    EXPECT_NEAR(drift.wasserstein, 1010.0, 30.0);
  }
  EXPECT_LE(live.statistic.high - live.statistic.low,
            2 * (whole.error(0.005) + 8.0 / 5000) + 1e-12);
  EXPECT_EQ(live.p_value.value, read.p_value.value);
  EXPECT_EQ(compared(other, whole).wasserstein_in_spreads,
            compared(other, decoded).wasserstein_in_spreads);
  EXPECT_EQ(live.p_value.high, read.p_value.high);
  EXPECT_EQ(live.statistic.high, read.statistic.high);
}

TEST(Oracle, IntervalsOfSampledSketchesHoldTheTruth) {
  for (const double shift : {0.0, 0.05, 1.0}) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal;
    std::vector<double> a(4000);
    std::vector<double> b(6000);
    for (double& value : a) value = normal(random);
    for (double& value : b) value = normal(random) + shift;
    const NumberDrift drift = compared(sketch_of(a), sketch_of(b));
    sketch::SortedView views[2];
    for (auto* const values : {&a, &b}) {
      std::ranges::sort(*values);
      sketch::SortedView& view = views[values == &b ? 1 : 0];
      view.values = *values;
      for (std::uint64_t i = 1; i <= values->size(); ++i) view.cumulative.push_back(i);
    }
    const MergedView merged = merge_views(views[0], views[1]);
    const double d = ks_statistic(merged);
    const double p = crossing_probability(4000, 6000, std::ceil(d * 24e6 - 0.5), {});
    EXPECT_LE(drift.statistic.low, d);
    EXPECT_GE(drift.statistic.high, d);
    EXPECT_LE(drift.ks_p_value.low, p + 1e-290);  // exact ones are 0 there
    EXPECT_GE(drift.ks_p_value.high, p);
    EXPECT_LE(drift.ks_p_value.low, drift.ks_p_value.value);
    EXPECT_LE(drift.ks_p_value.value, drift.ks_p_value.high);
  }
}

TEST(Oracle, ALineOfNumbers) {
  const NumberDrift line = compared(kUntied, kUntiedToo);
  EXPECT_EQ(line.target.mean, 40.0);
  EXPECT_EQ(line.reference.mean, 70.0);
  EXPECT_NEAR(line.target.stddev, 21.602468994692867, 1e-12);
  EXPECT_NEAR(line.reference.stddev, 24.494897427831781, 1e-12);
  EXPECT_NEAR(line.spread.value(), -0.12565721414045303, 1e-12);
  // The middle half of the reference is 55 to 95.
  EXPECT_NEAR(line.wasserstein_in_spreads.value(), -30.0 / (40.0 / 1.3489795003921634), 1e-12);
  EXPECT_FALSE(line.one_value);
  EXPECT_NEAR(line.tails.below.value, 3.0 / 7, 1e-12);
  EXPECT_EQ(line.tails.both().value, line.tails.below.value);
}

TEST(Oracle, ALineOfHues) {
  const auto a = sketch_of({252, 253, 254});
  const auto b = sketch_of({7, 8, 9});
  const NumberDrift line = compared(a, b, Axis::kHueCircle);
  EXPECT_NEAR(line.target.mean, 253.0, 1e-10);
  EXPECT_NEAR(line.reference.mean, 8.0, 1e-10);
  EXPECT_FALSE(line.spread.has_value());
  // Backwards through 0 by ten steps.
  EXPECT_NEAR(line.wasserstein_in_spreads.value(), -10.0 / line.reference.stddev, 1e-9);
  EXPECT_EQ(line.tails.both().value, 0.0);
}

TEST(Oracle, ALineOfOneValue) {
  const auto same = sketch_of({3, 3, 3});
  const auto other = sketch_of({4, 4});
  const NumberDrift line = compared(same, same);
  EXPECT_TRUE(line.one_value);
  EXPECT_EQ(line.wasserstein_in_spreads, 0.0);
  EXPECT_FALSE(line.spread.has_value());
  const NumberDrift moved = compared(other, same);
  EXPECT_FALSE(moved.one_value);
  EXPECT_FALSE(moved.wasserstein_in_spreads.has_value());  // the reference has no spread
  // Where the middle half is one value, the standard deviation is the spread.
  const auto few = sketch_of({3, 3, 3, 3, 3, 3, 3, 9});
  EXPECT_NEAR(compared(other, few).wasserstein_in_spreads.value(), 1.5 / 2.1213203435596424, 1e-12);
}

TEST(Oracle, CategoriesByTheLimitAndOverAllDeals) {
  const auto many = strings_of({40, 30, 20, 10});
  const auto even = strings_of({25, 25, 25, 25});
  const CategoryDrift drift = compare_categories({many}, {even});
  EXPECT_NEAR(drift.p_value.value, 0.012277894009958807, 1e-12);
  EXPECT_NEAR(drift.total_variation.value, 0.2, 1e-15);
  EXPECT_NEAR(drift.distances.hellinger, 0.16789959640267496, 1e-12);
  EXPECT_NEAR(drift.distances.hellinger_debiased, 0.14384114318296118, 1e-12);
  EXPECT_NEAR(drift.distances.jensen_shannon, 0.200503322531428, 1e-12);
  EXPECT_NEAR(drift.distances.psi, 0.21799421315274758, 1e-12);
  EXPECT_NEAR(category_p_value(table({8, 1, 3}, {3, 6, 2})), 0.06716920177682056, doubt(0.067) / 2);
  EXPECT_NEAR(category_p_value(table({3, 17}, {15, 10})), 0.002718201168991327, 1e-14);
}

// Where no random deal differs as much. In both cases 10 of a category make 5 expected.
TEST(Oracle, RareCategoriesAreJoinedForSmallPValues) {
  const double two = category_p_value(table({0, 199, 1}, {199, 0, 1}));
  EXPECT_NEAR(two / fisher_exact(1, 200, 200, 200), 1.0, 1e-9);
  const double three = category_p_value(table({3, 3, 90, 4}, {3, 3, 4, 90}));
  EXPECT_NEAR(three / chi_square_tail(4 * 43.0 * 43.0 / 47, 2), 1.0, 1e-9);
  Contingency unlike;
  for (std::uint64_t i = 0; i < 16; ++i) unlike.push(i % 2 * 3, 3 - i % 2 * 3);
  EXPECT_DOUBLE_EQ(category_p_value(unlike), 1e-4);  // joined they are alike
}

// SciPy: chi2_contingency, chi2.sf. A file may hold counts up to 2^56.
TEST(Oracle, CountsOfHugeSides) {
  Contingency large;
  Contingency swapped;
  const std::array<std::array<std::uint64_t, 2>, 3> counts{
      {{11487458456, 83}, {2663509136, 48}, {3028901592, 19}}};
  for (const auto& [many, few] : counts) {
    large.push(many, few);
    swapped.push(few, many);
  }
  EXPECT_NEAR(category_p_value(large), 1.5124339518794208e-07, 1e-15);
  EXPECT_NEAR(category_p_value(swapped), 1.5124339518794208e-07, 1e-15);
  const std::array<std::uint64_t, 4> huge{101647241638, 101647241638609, 122861185636,
                                          122861886669430};
  const double p = 0.17816924418150193;  // at least: fewer of the same rates are compared
  EXPECT_GT(fisher_exact(huge[0], huge[1], huge[2], huge[3]), p);
  EXPECT_GT(fisher_more(huge[0], huge[1], huge[2], huge[3]), p / 2.0);
  EXPECT_GT(fisher_more(huge[2], huge[3], huge[0], huge[1]), 0.5);
  EXPECT_LT(fisher_exact(huge[0] * 2, huge[1], huge[2], huge[3]), 1e-300);
  EXPECT_NEAR(fisher_exact(3, 3, 1, std::uint64_t{1} << 50) * std::pow(2.0, 39 * 3) / 6.0, 1.0,
              0.01);
  EXPECT_NEAR(f_tail(2.98, 1, std::uint64_t{1} << 48), 0.08429927240325956, 1e-9);
  EXPECT_NEAR(f_tail(2.98, 1, std::uint64_t{1} << 28), 0.08429927240325956, 1e-6);
}

TEST(Oracle, Fisher) {
  EXPECT_NEAR(fisher_exact(3, 20, 15, 25), 0.002718201168991327, 1e-14);
  EXPECT_NEAR(fisher_exact(0, 50, 8, 908), 1.0, 1e-12);
  EXPECT_NEAR(fisher_exact(500, 1000, 600, 10000) / 1.9535236990778971e-268, 1.0, 1e-9);
  EXPECT_NEAR(fisher_more(15, 25, 3, 20), 0.002410805542097196, 1e-14);
  EXPECT_NEAR(fisher_more(3, 20, 15, 25), 0.9997608944825774, 1e-13);
  EXPECT_NEAR(fisher_more(500, 1000, 600, 10000) / 1.9535236990778971e-268, 1.0, 1e-9);
  EXPECT_EQ(fisher_more(0, 20, 15, 25), 1.0);
  EXPECT_THROW((void)fisher_exact(10, 3, 0, 10), std::invalid_argument);
  EXPECT_THROW((void)fisher_more(1, 3, 11, 10), std::invalid_argument);
}

TEST(Oracle, StudentAndKolmogorov) {
  struct Case {
    std::uint64_t dof;
    double half, twentieth, billionth, beyond;  // quantiles; P(|T| > 2.5)
  };
  for (const auto& [dof, half, twentieth, billionth, beyond] :
       {Case{1, 1.0, 12.706204736174705, 636619772.3675814, 0.24223788318168682},
        {2, 0.8164965809277261, 4.302652729749464, 31622.776577966713, 0.12961172022151082},
        {7, 0.7111417780817866, 2.3646242515927844, 42.75080247724534, 0.04099221858575289},
        {100, 0.6769510430114717, 1.983971518523552, 6.745962975444969, 0.014045789124077172}}) {
    EXPECT_NEAR(student_quantile(0.5, dof) / half, 1.0, 1e-11) << dof;
    EXPECT_NEAR(student_quantile(0.05, dof) / twentieth, 1.0, 1e-11) << dof;
    EXPECT_NEAR(student_quantile(1e-9, dof) / billionth, 1.0, 1e-11) << dof;
    EXPECT_NEAR(student_tail(2.5, dof) / beyond, 1.0, 1e-11) << dof;
    EXPECT_EQ(student_tail(0.0, dof), 1.0);
  }
}

TEST(Oracle, NormalQuantile) {
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-15);
  EXPECT_NEAR(normal_quantile(0.001), -3.0902323061678132, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-20), -9.262340089798408, 1e-13);
}

TEST(Oracle, CircularLevel) {
  const Level moments = circular_level(sketch_of({250, 252, 1, 3, 6}).view());
  EXPECT_NEAR(moments.mean, 0.40006868417354513, 1e-10);
  EXPECT_NEAR(moments.stddev, 3.9821787461379214, 1e-10);
  const Level none = circular_level(sketch_of({0, 127.5}).view());
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_TRUE(std::isnan(circular_level(sketch_of({}).view()).mean));
  const Level red = circular_level(sketch_of({0, 0}).view());
  EXPECT_EQ(red.mean, 0.0);
  EXPECT_FALSE(std::signbit(red.stddev));
  // Ten steps apart, the shorter way around.
  const auto a = sketch_of({0, 51, 102, 153, 204});
  const auto b = sketch_of({10, 61, 112, 163, 214});
  EXPECT_NEAR(circular_wasserstein(merge_views(a.view(), b.view())), 10.0, 1e-12);
}

}  // namespace
}  // namespace lightmeter::drift
