// What the metrics keep: integers that no cut of a row changes. What they measure is tested against
// other implementations in tests/python/image/test_image_metrics.py, and the laws of tiles in laws_test.

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <vector>

#include "measure/metric_kernels.hpp"

namespace lightmeter::measure {
namespace {

TEST(Spread, OfEqualIntegersIsZeroHoweverMany) {
  for (const std::int64_t value : {-1'000'003, -1, 0, 7, 524'280}) {
    const std::uint64_t n = static_cast<std::uint64_t>(kMaxPixels);
    const SignedWide sum = SignedWide{value} * kMaxPixels;
    const Spread spread = Spread::of(n, sum, sum * value);
    EXPECT_EQ(spread.mean, static_cast<double>(value));
    EXPECT_EQ(spread.variance, 0);
  }
}

TEST(Spread, LosesNothingWhereAllButOneAreEqual) {
  // n - 1 times x and once x + 1: the variance is (n - 1) / n^2.
  for (const std::int64_t x : {-524'281, -1, 0, 262'140}) {
    for (const std::int64_t n : {2, 3, 1'000'000, 1 << 30}) {
      const SignedWide sum = SignedWide{x} * n + 1;
      const SignedWide squares = SignedWide{x} * x * n + 2 * x + 1;
      const double variance = Spread::of(static_cast<std::uint64_t>(n), sum, squares).variance;
      EXPECT_DOUBLE_EQ(
          variance, static_cast<double>(n - 1) / static_cast<double>(n) / static_cast<double>(n));
    }
  }
}

TEST(Spread, OfNothingIsNotDefined) { EXPECT_TRUE(std::isnan(Spread::of(0, 0, 0).variance)); }

// A row of luma with what is around it, seen in runs of the given lengths, again and again.
template <class M, class S>
M in_runs(const std::vector<S>& samples, const std::vector<std::size_t>& lengths) {
  M metric;
  const std::size_t n = samples.size() / 3 - 2;
  std::vector<Difference<S>> wide(samples.size()), bend(samples.size());
  const auto line = [&](std::size_t row) {
    const std::size_t first = row * (n + 2) + 1;
    row_kernels<S>(kernels::kScalar).bend(&samples[first], n, &wide[first], &bend[first]);
    return LumaLine<S>{&samples[first], &wide[first], &bend[first]};
  };
  const LumaLine<S> above = line(0), here = line(1), below = line(2);
  std::size_t at = 0;
  for (std::size_t i = 0; at < n; ++i) {
    const std::size_t run = std::min(lengths[i % lengths.size()], n - at);
    const auto x = static_cast<std::int64_t>(at);
    metric.neighbours(LumaRow<S>{above.from(x), here.from(x), below.from(x), run, x, 16, at == 0,
                                 at + run == n, false, false});
    at += run;
  }
  return metric;
}

template <class M>
class RunsTest : public ::testing::Test {};
using NeighbourMetrics = ::testing::Types<Sharpness, Noise, Blockiness, SpatialInformation>;
TYPED_TEST_SUITE(RunsTest, NeighbourMetrics);

template <class M, class S>
void expect_that_runs_do_not_matter(std::size_t n, S top) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::vector<S> samples(3 * (n + 2));
  for (const bool extreme : {false, true}) {
    for (S& sample : samples) {
      const auto any = static_cast<S>(random());
      sample = extreme ? static_cast<S>(any % 2 * top) : any;
    }
    // Reflected at both ends, as the rows of an image are.
    for (std::size_t row = 0; row < samples.size(); row += n + 2) {
      samples[row] = samples[row + (n > 1 ? 2 : 1)];
      samples[row + n + 1] = samples[row + (n > 1 ? n - 1 : 1)];
    }
    const M whole = in_runs<M>(samples, {n});
    for (const auto& lengths : {std::vector<std::size_t>{1}, {7, 1, 64, 3}, {63}, {513}}) {
      const M got = in_runs<M>(samples, lengths);
      EXPECT_EQ(M::sums(got), M::sums(whole)) << n << ' ' << lengths[0];
    }
  }
}

TYPED_TEST(RunsTest, GiveTheIntegersOfTheWholeRow) {
  for (const std::size_t n : {1, 2, 3, 9, 640, 5000}) {
    expect_that_runs_do_not_matter<TypeParam, std::uint8_t>(n, 255);
    expect_that_runs_do_not_matter<TypeParam, std::uint16_t>(n, 65'535);
  }
}

TEST(Chunks, HoldExtremeSamplesOfRunsOfAnyLength) {
  constexpr std::size_t kLong = (1 << 20) + 9;
  constexpr auto kCount = static_cast<std::int64_t>(kLong);
  const std::vector<std::uint8_t> black(kLong, 0), white(kLong, 255);
  const auto row = [&](const std::vector<std::uint8_t>& blue,
                       const std::vector<std::uint8_t>& luma) {
    return PixelRow<std::uint8_t>{
        black.data(), black.data(), blue.data(), luma.data(), kLong, 0, 0};
  };
  Luma luma;
  luma.pixels(row(white, white));
  EXPECT_EQ(luma.sum, 255U * kLong);
  EXPECT_TRUE(luma.squares.value() == SignedWide{255 * 255} * kCount);
  Colorfulness blue;
  blue.pixels(row(white, white));
  EXPECT_TRUE(blue.rg_squares.value() == 0);
  EXPECT_TRUE(blue.yb2_squares.value() == SignedWide{510 * 510} * kCount);
  Grid grid;
  grid.start({4 * kCount, 4}, {});
  grid.pixels(row(white, white));
  EXPECT_EQ(grid.luma[0], 255U * kLong);
  EXPECT_EQ(grid.counts[0], kLong);
}

TEST(Banding, SumsMoreRunsThan32BitsHold) {
  constexpr std::int64_t kRows = 140'000;
  const std::vector<std::uint16_t> white(3, 65'535);
  Banding all, even, odd;
  for (Banding* banding : {&all, &even, &odd}) {
    banding->start({}, {0, 0, 3, kRows});
  }
  for (std::int64_t y = 0; y < kRows; ++y) {
    const PixelRow<std::uint16_t> row{
        white.data(), white.data(), white.data(), white.data(), 3, 0, y};
    all.pixels(row);
    (y % 2 == 0 ? even : odd).pixels(row);
  }
  odd.add(even);
  EXPECT_EQ(odd.row_sums, all.row_sums);
  EXPECT_EQ(odd.row_counts, all.row_counts);
  EXPECT_EQ(odd.column_starts, all.column_starts);
  for (const Banding& banding : {odd, all}) {
    EXPECT_EQ(banding.column_sums, std::vector<std::uint64_t>(3, 65'535 * std::uint64_t{kRows}));
  }
  EXPECT_EQ(all.row_sums[7], 3 * 65'535U);
}

// A role says how a number is compared, and stands in files.
TEST(Metrics, NumbersOfHuesAndHashesHaveTheirRoles) {
  const std::map<std::string_view, Role> roles{{"Hue.mean", Role::kLinearAngle},
                                               {"Hue.stddev", Role::kAngleSpread},
                                               {"Hue.circular_mean", Role::kAngle},
                                               {"PixelHash", Role::kHash},
                                               {"PerceptualHash", Role::kHash}};
  std::size_t found = 0;
  for (const Number& number : image_numbers()) {
    const auto role = roles.find(number.name);
    if (role != roles.end()) ++found;
    EXPECT_EQ(number.role, role == roles.end() ? Role::kPlain : role->second) << number.name;
    EXPECT_EQ(number.role == Role::kHash, number.scale == Scale::kHash) << number.name;
  }
  EXPECT_EQ(found, roles.size());
}

}  // namespace
}  // namespace lightmeter::measure
