#include "sketch/moments.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "sketch/codec_checks.hpp"

namespace lightmeter::sketch {
namespace {

TEST(Moments, KnownValues) {
  Moments m;
  EXPECT_TRUE(std::isnan(m.mean()));
  EXPECT_TRUE(std::isnan(m.variance()));
  m.update(4.0);
  EXPECT_EQ(m.mean(), 4.0);
  EXPECT_EQ(m.variance(), 0.0);
  for (const double x : {2.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}) m.update(x);
  EXPECT_EQ(m.n(), 8U);
  EXPECT_DOUBLE_EQ(m.mean(), 5.0);
  EXPECT_DOUBLE_EQ(m.variance(), 32.0 / 7.0);
}

TEST(Moments, LargeOffsetDoesNotCancel) {
  Moments m;
  for (int i = 0; i < 1000; ++i) m.update(1e9 + i % 2);
}

TEST(Moments, CountsEqualRepeats) {
  Moments repeated;
  Moments counted;
  for (int i = 0; i < 7; ++i) repeated.update(3.5);
  for (int i = 0; i < 3; ++i) repeated.update(-1.25);
  counted.update(3.5, 7);
  counted.update(-1.25, 3);
  counted.update(99.0, 0);
  EXPECT_EQ(counted.n(), repeated.n());
  EXPECT_NEAR(counted.mean(), repeated.mean(), 1e-14);
  EXPECT_NEAR(counted.variance(), repeated.variance(), 1e-13);
}

TEST(Moments, AnyMergeTreeAgrees) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(50.0, 3.0);
  std::vector<Moments> parts(64);
  Moments whole;
  for (int i = 0; i < 10000; ++i) {
    const double x = normal(random);
    whole.update(x);
    parts[random() % parts.size()].update(x);
  }
  while (parts.size() > 1) {
    const std::size_t i = random() % parts.size();
    Moments part = parts[i];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
    parts[random() % parts.size()].merge(part);
  }
  EXPECT_EQ(parts[0].n(), whole.n());
  EXPECT_NEAR(parts[0].mean() / whole.mean(), 1.0, 1e-13);
  EXPECT_NEAR(parts[0].variance() / whole.variance(), 1.0, 1e-12);
}

TEST(Moments, EmptyIsNeutral) {
  Moments m;
  m.update(1.0);
  m.update(2.0);
  const Moments before = m;
  m.merge(Moments());
  EXPECT_TRUE(m == before);
  Moments empty;
  empty.merge(m);
  EXPECT_TRUE(empty == before);
}

TEST(Moments, NumbersAtTheEndsOfTheRangeKeepTheMeanFinite) {
  Moments m;
  for (const double x : {1.7e308, -1.7e308, 0.0, 1.7e308, -1.7e308, 1.0}) m.update(x);
  EXPECT_NEAR(m.mean() / 1e308, 0.0, 1e-14);
  EXPECT_EQ(m.sum_of_squares(), std::numeric_limits<double>::infinity());
  expect_round_trip(m);
}

TEST(Moments, RefusesMoreThanTheReaderTakes) {
  Moments m;
  m.update(1.0, std::uint64_t{1} << 56);
  expect_round_trip(m);
  const Moments before = m;
  EXPECT_THROW(m.update(2.0), IncompatibleError);
  EXPECT_THROW(m.merge(before), IncompatibleError);
  EXPECT_TRUE(m == before);
}

TEST(Moments, BytesAreChecked) {
  Moments m;
  expect_round_trip(m);
  m.update(1.0);
  m.update(7.0);
  expect_round_trip(m);
  expect_damage_is_harmless(m, [](Moments& state) { state.update(1.0); });
}

}  // namespace
}  // namespace lightmeter::sketch
