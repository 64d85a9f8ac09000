#include "sketch/frequent.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sketch/codec_checks.hpp"

namespace lightmeter::sketch {
namespace {

using Truth = std::map<std::int64_t, std::uint64_t>;

std::int64_t skewed(std::mt19937_64& random) {
  return static_cast<std::int64_t>(std::exp(std::uniform_real_distribution<>(0, 12)(random)));
}

void expect_bounds_hold(const FrequentIntegers& sketch, const Truth& truth) {
  std::uint64_t n = 0;
  Truth missing = truth;
  for (const auto& [value, count] : truth) n += count;
  for (const auto& item : sketch.items()) {
    EXPECT_LE(item.lower, truth.at(item.value));
    EXPECT_GE(item.estimate, truth.at(item.value));
    missing.erase(item.value);
  }
  for (const auto& [value, count] : missing) EXPECT_LE(count, sketch.floor()) << value;
  EXPECT_EQ(sketch.n(), n);
  EXPECT_LE(sketch.floor(), n / (FrequentIntegers::kMaxEntries + 1));
}

TEST(FrequentItems, ExactWhileItFits) {
  FrequentStrings sketch;
  for (int i = 0; i < 3; ++i) sketch.update("Pixel");
  sketch.update("iPhone", 5);
  sketch.update("Canon");
  sketch.update("Apple");
  sketch.update("Nothing", 0);
  EXPECT_TRUE(sketch.is_exact());
  EXPECT_EQ(sketch.n(), 10U);
  const auto items = sketch.items();
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0].value, "iPhone");
  EXPECT_EQ(items[0].estimate, 5U);
  EXPECT_EQ(items[0].lower, 5U);
  EXPECT_EQ(items[1].value, "Pixel");
  EXPECT_EQ(items[2].value, "Apple");  // ties by value
  EXPECT_EQ(items[3].value, "Canon");
}

TEST(FrequentItems, BoundsHoldOnSkewedStreamsAndMerges) {
  std::mt19937_64 random(3);
  Truth truth;
  std::vector<FrequentIntegers> parts(20);
  FrequentIntegers whole;
  for (int i = 0; i < 200000; ++i) {
    const std::int64_t value = skewed(random);
    ++truth[value];
    whole.update(value);
    parts[random() % parts.size()].update(value);
  }
  ASSERT_GT(truth.size(), FrequentIntegers::kMaxEntries);
  expect_bounds_hold(whole, truth);
  while (parts.size() > 1) {
    const std::size_t i = random() % (parts.size() - 1);
    parts[i].merge(parts.back());
    parts.pop_back();
  }
  expect_bounds_hold(parts[0], truth);
  for (auto& [value, count] : truth) count *= 2;
  parts[0].merge(parts[0]);
  expect_bounds_hold(parts[0], truth);
}

TEST(FrequentItems, RareValuesNeverEmptyIt) {
  FrequentIntegers sketch;
  Truth truth;
  for (std::int64_t i = 0; i < 50000; ++i) {
    sketch.update(i);
    truth[i] = 1;
  }
  EXPECT_EQ(sketch.items().size(), FrequentIntegers::kMaxEntries);
  expect_bounds_hold(sketch, truth);
  sketch.update(-7, 1000);
  EXPECT_EQ(sketch.items()[0].value, -7);
  EXPECT_GE(sketch.items()[0].lower, 1000U);
}

TEST(FrequentItems, LongStringsAreBoundedByBytes) {
  FrequentStrings sketch;
  for (int i = 0; i < 400; ++i) sketch.update(std::string(120, 'x') + std::to_string(10000 + i));
  EXPECT_LE(encoded(sketch).size(), FrequentStrings::kMaxBytes + 512);
  EXPECT_EQ(sketch.items().size(), FrequentStrings::kMaxBytes / 125);
  EXPECT_FALSE(sketch.is_exact());
  for (int i = 0; i < 400; ++i) sketch.update(std::to_string(i), 3);
  expect_round_trip(sketch);
}

// What is dropped against a plain search for the least count and, of equal ones, greatest value.
TEST(FrequentItems, DropsTheLeast) {
  std::mt19937_64 random(5);
  std::map<std::int64_t, std::uint64_t> counts;
  std::uint64_t floor = 0;
  FrequentIntegers sketch;
  for (int i = 0; i < 20000; ++i) {
    const std::int64_t value = skewed(random) % 3000;
    const auto place = counts.find(value);
    if (place != counts.end()) {
      ++place->second;
    } else {
      counts[value] = floor + 1;
    }
    if (counts.size() > FrequentIntegers::kMaxEntries) {
      auto least = counts.begin();
      for (auto item = counts.begin(); item != counts.end(); ++item) {
        if (item->second <= least->second) least = item;
      }
      floor = std::max(floor, least->second);
      counts.erase(least);
    }
    sketch.update(value);
    if (i % 5000 == 0) sketch = FrequentIntegers(sketch);
  }
  EXPECT_EQ(sketch.floor(), floor);
  ASSERT_EQ(sketch.items().size(), counts.size());
  for (const auto& item : sketch.items()) EXPECT_EQ(item.estimate, counts.at(item.value));
}

TEST(FrequentItems, ManyAtOnceAreMergedAsAList) {
  std::mt19937_64 random(6);
  for (const int n : {0, 1, 300, 600, 5000}) {
    Truth truth;
    FrequentIntegers sketch;
    for (int i = 0; i < n; ++i) {
      const std::int64_t value = skewed(random);
      sketch.update(value);
      ++truth[value];
    }
    for (const int more : {10, 700, 20000}) {
      Truth batch;
      for (int i = 0; i < more; ++i) ++batch[skewed(random)];
      std::vector<std::int64_t> rising;
      std::vector<std::uint64_t> counts;
      for (const auto& [value, count] : batch) {
        rising.push_back(value);
        counts.push_back(count);
        truth[value] += count;
      }
      sketch.update(rising, counts);
      expect_bounds_hold(sketch, truth);
      expect_round_trip(sketch);
    }
  }
}

TEST(FrequentItems, OrderDoesNotMatterWhileExact) {
  FrequentStrings forward;
  FrequentStrings backward;
  for (int i = 0; i < 300; ++i) forward.update(std::to_string(i % 100));
  for (int i = 299; i >= 0; --i) backward.update(std::to_string(i % 100));
  EXPECT_TRUE(forward == backward);
  FrequentStrings merged;
  merged.merge(forward);
  EXPECT_TRUE(merged == forward);
  merged.merge(FrequentStrings());
  EXPECT_TRUE(merged == forward);
}

TEST(FrequentItems, RefusesMoreThanTheReaderTakes) {
  FrequentIntegers items;
  items.update(5, std::uint64_t{1} << 56);
  expect_round_trip(items);
  const FrequentIntegers before = items;
  EXPECT_THROW(items.update(5), IncompatibleError);
  EXPECT_THROW(items.update(6, ~std::uint64_t{0}), IncompatibleError);
  EXPECT_THROW(items.merge(items), IncompatibleError);
  EXPECT_TRUE(items == before);
}

TEST(FrequentItems, BytesAreChecked) {
  FrequentStrings strings;
  expect_round_trip(strings);
  for (int i = 0; i < 30; ++i) strings.update(std::to_string(i % 11));
  expect_round_trip(strings);
  expect_damage_is_harmless(strings, [](FrequentStrings& state) {
    state.update("x");
    state.merge(state);
    EXPECT_FALSE(state.items().empty());
  });
  std::mt19937_64 random(4);
  FrequentIntegers integers;
  for (int i = 0; i < 5000; ++i) integers.update(skewed(random));
  EXPECT_FALSE(integers.is_exact());
  expect_round_trip(integers);
  expect_damage_is_harmless(integers, [](FrequentIntegers& state) { state.update(1); });
}

TEST(FrequentItems, DecodeRefusesAFloorThatNoStreamHas) {
  // n 10, floor 10, no entries; n 10, floor 4, the value 1 with count 9 and error 0
  for (const std::vector<std::uint8_t>& bytes :
       {std::vector<std::uint8_t>{10, 10, 0}, std::vector<std::uint8_t>{10, 4, 1, 2, 9, 0}}) {
    wire::Reader in(bytes);
    EXPECT_THROW((void)FrequentIntegers::decode(in), DecodeError);
  }
}

}  // namespace
}  // namespace lightmeter::sketch
