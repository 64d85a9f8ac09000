#include "sketch/distinct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "sketch/codec_checks.hpp"

namespace lightmeter::sketch {
namespace {

DistinctCount of_integers(std::int64_t begin, std::int64_t end) {
  DistinctCount count;
  for (std::int64_t i = begin; i < end; ++i) count.update(i);
  return count;
}

TEST(DistinctCount, ExactWhileSmall) {
  DistinctCount count;
  EXPECT_EQ(count.estimate(), 0.0);
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (std::int64_t i = 0; i < 256; ++i) count.update(i);
  }
  EXPECT_TRUE(count.is_exact());
  EXPECT_EQ(count.estimate(), 256.0);
  EXPECT_EQ(count.lower(), 256.0);
  EXPECT_EQ(count.upper(), 256.0);
  count.update(std::int64_t{256});
  EXPECT_FALSE(count.is_exact());
  EXPECT_NEAR(count.estimate(), 257.0, 10.0);
}

TEST(DistinctCount, EqualNumbersCountOnce) {
  DistinctCount count;
  count.update(3.0);
  count.update(std::int64_t{3});
  EXPECT_EQ(count.estimate(), 1.0);
  count.update(0.0);
  count.update(-0.0);
  EXPECT_EQ(count.estimate(), 2.0);
  count.update(std::numeric_limits<double>::quiet_NaN());
  count.update(-std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(count.estimate(), 3.0);
}

TEST(DistinctCount, StringsAreToldApartByEveryByte) {
  DistinctCount count;
  for (const std::string_view text :
       {"", "a", "b", "aa", "abcdefgh", "abcdefghi", "abcdefgi", "0", "00"}) {
    count.update(text);
  }
  count.update(std::string_view("\0", 1));
  count.update(std::string_view("\0\0", 2));
  EXPECT_EQ(count.estimate(), 11.0);
}

// One standard error is 1.6 %; the root mean square over 60 sets has a standard error of 9 % of
// that.
TEST(DistinctCount, ErrorIsAsStated) {
  for (const std::int64_t n : {300, 5000, 20000, 200000}) {
    double squares = 0.0;
    constexpr int kTrials = 60;
    for (int trial = 0; trial < kTrials; ++trial) {
      const std::int64_t begin = 1'000'000'000LL * trial;
      const double ratio = of_integers(begin, begin + n).estimate() / static_cast<double>(n);
      squares += (ratio - 1.0) * (ratio - 1.0);
    }
    EXPECT_LT(std::sqrt(squares / kTrials), 1.4 * 1.04 / 64.0) << n;
  }
}

TEST(DistinctCount, OrderAndTreeDoNotMatter) {
  std::mt19937_64 random(2);
  for (const int n : {50, 256, 257, 5000}) {
    std::vector<std::int64_t> values;
    for (int i = 0; i < n; ++i) values.push_back(i);
    DistinctCount whole;
    for (const std::int64_t value : values) whole.update(value);
    std::ranges::shuffle(values, random);
    std::vector<DistinctCount> parts(7);
    for (const std::int64_t value : values) {
      parts[random() % 7].update(value);
      parts[random() % 7].update(value);
    }
    DistinctCount merged;
    for (const DistinctCount& part : parts) merged.merge(part);
    merged.merge(merged);
    EXPECT_EQ(encoded(merged), encoded(whole)) << n;
  }
}

TEST(DistinctCount, BytesAreChecked) {
  for (const std::int64_t n : {0, 1, 40, 256, 257, 1000, 100000}) {
    const DistinctCount count = of_integers(0, n);
    expect_round_trip(count);
    EXPECT_LE(encoded(count).size(), 2200U) << n;
  }
  const auto use = [](DistinctCount& state) {
    EXPECT_TRUE(std::isfinite(state.estimate()));
    state.merge(of_integers(0, 10));
  };
  expect_damage_is_harmless(of_integers(0, 20), use);
  expect_damage_is_harmless(of_integers(0, 400), use);
}

}  // namespace
}  // namespace lightmeter::sketch
