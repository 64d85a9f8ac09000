#include "sketch/quantiles.hpp"

#include <atomic>
#include <limits>
#include <stdexcept>
#include <thread>

#include "sketch/quantile_checks.hpp"

namespace lightmeter::sketch {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> few_distinct(std::size_t n, std::size_t distinct, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = static_cast<double>(random() % distinct) - 7.0;
  return values;
}

TEST(Quantiles, Empty) {
  const QuantileSketch sketch;
  expect_sound(sketch);
  EXPECT_TRUE(sketch.is_exact());
  EXPECT_EQ(sketch.error(), 0.0);
}

TEST(Quantiles, ExactUpTo1024) {
  for (const std::size_t n : {1, 2, 3, 50, 1023, 1024}) {
    const auto values = uniform(n, n);
    QuantileSketch sketch;
    for (const double value : values) sketch.update(value);
    expect_exact(sketch, values);
    EXPECT_EQ(encoded(sketch), encoded(sketch_of(values)));
  }
  EXPECT_FALSE(sketch_of(uniform(1025, 1)).is_exact());
}

TEST(Quantiles, CountedUpTo256DistinctAtAnyN) {
  for (const std::size_t n : {1024, 1025, 5000, 200000}) {
    const auto values = few_distinct(n, 256, n);
    expect_exact(sketch_of(values), values);
  }
  auto values = few_distinct(5000, 256, 1);
  QuantileSketch sketch = sketch_of(values);
  EXPECT_TRUE(sketch.stays_exact(0.0));
  EXPECT_FALSE(sketch.stays_exact(0.5));
  EXPECT_TRUE(sketch.stays_exact(kNan));
  sketch.update(0.5);
  EXPECT_FALSE(sketch.is_exact());
  expect_sound(sketch);
  EXPECT_EQ(sketch.n(), 5001U);
}

TEST(Quantiles, StaysExactForesees) {
  std::mt19937_64 random(5);
  for (int trial = 0; trial < 40; ++trial) {
    QuantileSketch sketch = sketch_of(few_distinct(1000 + random() % 40, 250 + trial % 10, trial));
    for (int i = 0; i < 200 && sketch.is_exact(); ++i) {
      const auto value = static_cast<double>(random() % 260);
      const bool stays = sketch.stays_exact(value);
      sketch.update(value);
      ASSERT_EQ(sketch.is_exact(), stays);
    }
  }
}

TEST(Quantiles, NonFiniteValuesAreCountedApart) {
  QuantileSketch sketch;
  sketch.update(kNan);
  sketch.update(kInf);
  sketch.update(-kInf);
  expect_sound(sketch);
  std::vector<double> values = uniform(5000, 3);
  values[0] = values[100] = values[4999] = kNan;
  values[1] = kInf;
  values[2] = -kInf;
  sketch.update(std::span<const double>(values));
  const double more[] = {kNan, -kInf, 0.5};
  const std::uint64_t counts[] = {3, 4, 5};
  sketch.update_counts(more, counts);
  EXPECT_EQ(sketch.n(), 5000U);
  EXPECT_EQ(sketch.nan(), 7U);
  EXPECT_EQ(sketch.pos_inf(), 2U);
  EXPECT_EQ(sketch.neg_inf(), 6U);
  EXPECT_LT(sketch.max(), 1.0);
  expect_sound(sketch);
  QuantileSketch twice;
  twice.merge(sketch);
  twice.merge(sketch);
  EXPECT_EQ(twice.nan(), 14U);
  EXPECT_EQ(twice.pos_inf(), 4U);
  EXPECT_EQ(twice.neg_inf(), 12U);
  expect_round_trip(twice);
}

TEST(Quantiles, MinusZeroIsZero) {
  QuantileSketch plus;
  QuantileSketch minus;
  const std::vector<float> floats(3000, -0.0F);
  for (int i = 0; i < 3; ++i) plus.update(0.0), minus.update(-0.0);
  EXPECT_TRUE(plus == minus);
  EXPECT_FALSE(std::signbit(minus.min()));
  minus.update(std::span(floats));
  EXPECT_EQ(minus.view().values.size(), 1U);
  EXPECT_FALSE(std::signbit(minus.max()));
}

// Any order and any tree of merges, bytewise, in exact and counted mode.
TEST(Quantiles, ExactMergesAreConcatenation) {
  std::mt19937_64 random(6);
  for (int trial = 0; trial < 60; ++trial) {
    const std::size_t n = trial % 3 == 0 ? 900 : 100 + random() % 6000;
    auto values = trial % 3 == 0 ? uniform(n, trial) : few_distinct(n, 1 + random() % 256, trial);
    const auto bytes = encoded(sketch_of(values));
    std::ranges::shuffle(values, random);
    std::vector<QuantileSketch> parts(1 + random() % 12);
    for (const double value : values) parts[random() % parts.size()].update(value);
    while (parts.size() > 1) {
      const std::size_t from = random() % parts.size();
      QuantileSketch part = parts[from];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(from));
      QuantileSketch& into = parts[random() % parts.size()];
      if (random() % 2 == 0) part = decoded<QuantileSketch>(encoded(part));
      into.merge(part);
      expect_sound(into);
    }
    EXPECT_EQ(encoded(parts[0]), bytes);
  }
}

TEST(Quantiles, MergeLaws) {
  for (const std::size_t n : {0, 5, 1000, 3000, 100000}) {
    const QuantileSketch sketch = sketch_of(uniform(n, n));
    QuantileSketch merged = sketch;
    merged.merge(QuantileSketch());
    EXPECT_TRUE(merged == sketch);
    QuantileSketch empty;
    empty.merge(sketch);
    EXPECT_TRUE(empty == sketch);
    merged.merge(merged);
    EXPECT_EQ(merged.n(), 2 * n);
    expect_sound(merged);
    const auto before = encoded(sketch);
    QuantileSketch other = sketch_of(uniform(777, 1));
    other.merge(sketch);
    EXPECT_EQ(encoded(sketch), before);
    EXPECT_EQ(other.n(), n + 777);
    expect_sound(other);
  }
}

TEST(Quantiles, MergeManyIsMerging) {
  for (const std::size_t each : {1, 50, 400, 3000}) {
    std::vector<QuantileSketch> parts;
    std::vector<double> all;
    for (std::size_t i = 0; i < 40; ++i) {
      const auto values = uniform(each + i % 3, 1000 * each + i);
      all.insert(all.end(), values.begin(), values.end());
      parts.push_back(sketch_of(values));
    }
    std::vector<const QuantileSketch*> pointers;
    for (const QuantileSketch& part : parts) pointers.push_back(&part);
    QuantileSketch sketch;
    sketch.merge_many(pointers);
    expect_sound(sketch);
    EXPECT_EQ(sketch.n(), all.size());
    EXPECT_EQ(sketch.min(), std::ranges::min(all));
    EXPECT_EQ(sketch.max(), std::ranges::max(all));
    EXPECT_LE(worst_error(sketch, all), sketch.error(1e-6));
  }
}

template <class T>
void expect_array_matches_updates(std::size_t n) {
  std::mt19937_64 random(8);
  std::vector<T> data(n);
  for (T& value : data) value = static_cast<T>(random() >> 40);
  const std::vector<double> values(data.begin(), data.end());
  const QuantileSketch sketch = sketch_of(data);
  expect_sound(sketch);
  EXPECT_EQ(sketch.n(), values.size());
  EXPECT_EQ(sketch.min(), std::ranges::min(values));
  EXPECT_EQ(sketch.max(), std::ranges::max(values));
  EXPECT_LE(worst_error(sketch, values), sketch.error(1e-6));
  if (sketch.is_exact()) {
    EXPECT_EQ(encoded(sketch), encoded(sketch_of(values)));
  }
}

TEST(Quantiles, ArraysOfAnyType) {
  for (const std::size_t n : {600, 21'700, 200'000}) {
    expect_array_matches_updates<std::uint8_t>(n);
    expect_array_matches_updates<std::uint16_t>(n);
    expect_array_matches_updates<float>(n);
    expect_array_matches_updates<double>(n);
  }
}

TEST(Quantiles, CountsAreRepeats) {
  std::mt19937_64 random(9);
  for (const std::size_t distinct : {10, 256, 400, 5000}) {
    std::vector<double> values;
    std::vector<std::uint64_t> counts;
    std::vector<double> repeated;
    for (std::size_t i = 0; i < distinct; ++i) {
      values.push_back(static_cast<double>(random() % 3000));
      counts.push_back(random() % 40);
      repeated.insert(repeated.end(), counts.back(), values.back());
    }
    QuantileSketch sketch;
    sketch.update_counts(values, counts);
    expect_sound(sketch);
    EXPECT_EQ(sketch.n(), repeated.size());
    EXPECT_EQ(sketch.min(), std::ranges::min(repeated));
    EXPECT_EQ(sketch.max(), std::ranges::max(repeated));
    EXPECT_LE(worst_error(sketch, repeated), sketch.error(1e-6));
    if (sketch.is_exact()) {
      EXPECT_EQ(encoded(sketch), encoded(sketch_of(repeated)));
    }
  }
  QuantileSketch huge;
  const double values[] = {1.0, 2.0};
  const std::uint64_t counts[] = {std::uint64_t{1} << 55, 3};
  huge.update_counts(values, counts);
  expect_sound(huge);
  expect_round_trip(huge);
  EXPECT_THROW(huge.update_counts(values, std::span(counts).first(1)), std::invalid_argument);
}

TEST(Quantiles, OneThatWasMovedFromIsEmpty) {
  for (const int n : {3, 1500}) {
    for (const int distinct : {100, 5000}) {
      QuantileSketch sketch(9);
      for (int i = 0; i < n; ++i) sketch.update(i % distinct);
      sketch.update(std::numeric_limits<double>::infinity());
      const QuantileSketch copy(sketch);
      QuantileSketch moved(std::move(sketch));
      EXPECT_TRUE(moved == copy);
      EXPECT_EQ(sketch.observed(), 0U);
      EXPECT_TRUE(std::isnan(sketch.min()));
      EXPECT_TRUE(sketch.is_exact());
      sketch = std::move(moved);
      EXPECT_TRUE(sketch == copy);
      EXPECT_EQ(moved.observed(), 0U);
      moved.update(1.0);
      EXPECT_EQ(moved.min(), 1.0);
    }
  }
}

TEST(Quantiles, RefusesMoreThanTheReaderTakes) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 55;
  for (const double apart : {kNan, kInf, -kInf}) {
    const double values[] = {1.0, apart};
    const std::uint64_t counts[] = {kHalf, kHalf - 1};
    QuantileSketch sketch;
    sketch.update_counts(values, counts);
    sketch.update(2.0);
    expect_round_trip(sketch);
    const auto before = encoded(sketch);
    EXPECT_THROW(sketch.update_counts(values, counts), IncompatibleError);
    EXPECT_THROW(sketch.merge(sketch), IncompatibleError);
    EXPECT_THROW(sketch.merge(sketch_of(std::vector{3.0})), IncompatibleError);
    const QuantileSketch* twice[] = {&sketch, &sketch};
    EXPECT_THROW(sketch.merge_many(twice), IncompatibleError);
    EXPECT_EQ(encoded(sketch), before);
    auto over = before;
    ++over[11];  // n: each count is within the limit, their sum is not
    try {
      (void)decoded<QuantileSketch>(over);
      ADD_FAILURE() << "was read";
    } catch (const DecodeError& error) {
      EXPECT_NE(std::string(error.what()).find("2^56"), std::string::npos) << error.what();
    }
  }
}

TEST(Quantiles, ArgumentsAreChecked) {
  const QuantileSketch sketch = sketch_of(uniform(100, 1));
  for (const double q : {-0.01, 1.01, kNan}) {
    EXPECT_THROW((void)sketch.quantile(q), std::invalid_argument);
  }
  for (const double delta : {0.0, 1.0, kNan}) {
    EXPECT_THROW((void)sketch.error(delta), std::invalid_argument);
  }
  EXPECT_TRUE(std::isnan(sketch.rank(kNan)));
  EXPECT_EQ(sketch.rank(kInf), 1.0);
  EXPECT_EQ(sketch.rank(-kInf), 0.0);
}

TEST(Quantiles, SameCallsSameBytes) {
  const auto values = uniform(300000, 4);
  EXPECT_EQ(encoded(sketch_of(values, 5)), encoded(sketch_of(values, 5)));
  EXPECT_NE(encoded(sketch_of(values, 5)), encoded(sketch_of(values, 6)));
}

// The suite runs once per kernel tier; all of them must find these bytes.
TEST(Quantiles, BytesDoNotDependOnTheTier) {
  std::mt19937_64 random(12);
  std::vector<float> floats(70000);
  std::vector<double> doubles(70000);
  for (float& value : floats) value = static_cast<float>(random() >> 40) * 0x1p-12F;
  for (double& value : doubles) value = static_cast<double>(random() >> 11) * 0x1p-30;
  QuantileSketch sketch = sketch_of(floats, 1);
  sketch.update(std::span<const double>(doubles));
  for (const double value : doubles) sketch.update(value);
  EXPECT_EQ(wire::crc32c(encoded(sketch)), 0xD585425FU);
}

// In every mode; the thread sanitizer watches in CI.
TEST(Quantiles, ConstQueriesFromSeveralThreads) {
  for (const std::size_t n : {1000, 50000}) {
    for (const bool counted : {false, true}) {
      auto values = uniform(n, 4);
      for (double& value : values) value = counted ? std::floor(value * 100.0) : value;
      const QuantileSketch sketch = sketch_of(values);
      const QuantileSketch twin(sketch);
      const double expected = twin.quantile(0.25);
      const auto bytes = encoded(twin);
      std::atomic<int> wrong = 0;
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          wrong += sketch.quantile(0.25) != expected;
          wrong += sketch.rank(expected) != twin.rank(expected);
          wrong += encoded(sketch) != bytes || sketch.error() != twin.error();
          wrong += sketch.min() != twin.min() || sketch.max() != twin.max();
          wrong += sketch.stays_exact(expected) != twin.stays_exact(expected);
          QuantileSketch sum(7);
          sum.merge(sketch);
          wrong += sum.n() != n;
        });
      }
      for (std::thread& thread : threads) thread.join();
      EXPECT_EQ(wrong, 0);
    }
  }
}

}  // namespace
}  // namespace lightmeter::sketch
