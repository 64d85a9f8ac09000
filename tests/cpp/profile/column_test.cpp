#include "profile/column.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <string>

#include "error.hpp"
#include "profile/decoded_column.hpp"
#include "sketch/codec_checks.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {
namespace {

using sketch::encoded;

Column round_trip(const Column& column, std::string_view name) {
  const auto bytes = encoded(column);
  wire::Reader in(bytes);
  Column again = decoded_column(in, name);
  in.expect_end();
  return again;
}

TEST(Column, CountsByType) {
  Column column("a");
  column.update(1.5);
  column.update(std::int64_t{3});
  column.update(std::string_view("x"));
  column.update_null();
  column.update(std::numeric_limits<double>::quiet_NaN());
  column.update(std::numeric_limits<double>::infinity());
  EXPECT_EQ(column.null(), 1U);
  EXPECT_EQ(column.integral(), 1U);
  EXPECT_EQ(column.fractional(), 3U);
  EXPECT_EQ(column.strings(), 1U);
  EXPECT_EQ(column.values(), 5U);
  EXPECT_EQ(column.numbers().n(), 2U);
  EXPECT_DOUBLE_EQ(column.moments().mean(), 2.25);
}

TEST(Column, FrequentIntegersOnlyWithoutFractions) {
  Column column("a");
  for (const int v : {7, 7, 7, 2}) column.update(std::int64_t{v});
  const auto items = column.number_facts().frequent.items();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].value, 7);
  EXPECT_EQ(items[0].estimate, 3U);
  column.update(0.5);
  EXPECT_TRUE(column.number_facts().frequent.items().empty());
}

// Stands at the border of exact mode from every side: the facts must be of all values, always.
TEST(Column, FactsSurviveLeavingExactMode) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0.0, 255.0);
  for (const std::size_t first : {1U, 500U, 1000U, 1023U, 1024U, 1025U, 3000U}) {
    for (const std::size_t second : {0U, 1U, 24U, 25U, 1024U, 2000U}) {
      std::vector<double> values(first + second);
      for (double& v : values) v = uniform(random);
      Column a("f");
      Column b("f");
      for (std::size_t i = 0; i < values.size(); ++i) (i < first ? a : b).update(values[i]);
      a.merge(b);
      const double sum = std::accumulate(values.begin(), values.end(), 0.0);
      const auto n = static_cast<double>(values.size());
      ASSERT_EQ(a.moments().n(), values.size());
      ASSERT_NEAR(a.moments().mean(), sum / n, 1e-9);
      ASSERT_NEAR(a.number_facts().distinct.estimate(), n, 0.06 * n);
      ASSERT_EQ(a.numbers().n(), values.size());
      const Column again = round_trip(a, "f");
      ASSERT_EQ(encoded(again), encoded(a));
      ASSERT_DOUBLE_EQ(again.moments().mean(), a.moments().mean());
    }
  }
}

TEST(Column, ManyAtOnceAreOneByOne) {
  std::vector<double> integers(5000);
  std::iota(integers.begin(), integers.end(), -2500.0);
  const std::vector<double> fractions{0.5, -0.0, std::numeric_limits<double>::infinity()};
  for (const std::size_t first : {std::size_t{0}, std::size_t{700}, std::size_t{1024}}) {
    for (const bool mixed : {false, true}) {
      Column together("a");
      Column apart("a");
      const std::span<const double> all(integers);
      for (const auto part : {all.first(first), all.subspan(first)}) {
        if (mixed) together.update(std::span(fractions));
        together.update(part, true);
        for (const double v : fractions) {
          if (mixed) apart.update(v);
        }
        for (const double v : part) apart.update(v, true);
      }
      EXPECT_EQ(together.integral(), apart.integral());
      EXPECT_EQ(together.fractional(), apart.fractional());
      EXPECT_EQ(together.numbers().pos_inf(), mixed ? 2U : 0U);
      EXPECT_EQ(together.moments().n(), apart.moments().n());
      EXPECT_NEAR(together.moments().mean(), apart.moments().mean(), 1e-9);
      EXPECT_NEAR(together.moments().stddev(), apart.moments().stddev(), 1e-9);
      EXPECT_EQ(together.number_facts().distinct, apart.number_facts().distinct);
      EXPECT_LE(together.number_facts().frequent.floor(), apart.number_facts().frequent.floor());
      EXPECT_EQ(together.number_facts().frequent.n(), mixed ? 0U : integers.size());
      const Column again = round_trip(together, "a");
      EXPECT_EQ(again.values(), apart.values());
    }
  }
}

TEST(Column, ExactModeMergesToTheSameBytesInAnyOrder) {
  std::mt19937 random(2);
  std::vector<double> values(900);
  for (double& v : values) v = std::ldexp(static_cast<double>(random() % 5000), -4);
  std::vector<std::uint8_t> expected;
  for (int trial = 0; trial < 20; ++trial) {
    std::shuffle(values.begin(), values.end(), random);
    std::vector<Column> parts;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % (10 + static_cast<std::size_t>(trial)) == 0) parts.emplace_back("f");
      parts.back().update(values[i]);
    }
    while (parts.size() > 1) {
      const std::size_t at = random() % (parts.size() - 1);
      parts[at].merge(parts[at + 1]);
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    if (expected.empty()) expected = encoded(parts[0]);
    ASSERT_EQ(encoded(parts[0]), expected);
  }
}

TEST(Column, PixelCountsOfAnySizeStayExact) {
  std::vector<std::uint64_t> counts(256);
  for (std::size_t v = 0; v < counts.size(); ++v) counts[v] = v * v * 1000000;
  Column column("p");
  for (int i = 0; i < 3; ++i) column.merge(Column::of_counts(counts));
  EXPECT_TRUE(column.numbers().is_exact());
  EXPECT_EQ(column.numbers().n(), 3 * std::accumulate(counts.begin(), counts.end(), 0ULL));
  EXPECT_EQ(column.integral(), column.numbers().n());
  EXPECT_EQ(encoded(round_trip(column, "p")), encoded(column));
}

TEST(Column, LongStringsAreCutBetweenCharacters) {
  Column column("s");
  column.update(std::string(127, 'a') + "\u00e9" + "tail");
  const auto items = column.frequent_strings().items();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].value, std::string(127, 'a'));
}

TEST(Column, ManyRareStringsKeepTheFrequentOnes) {
  Column column("s");
  for (int i = 0; i < 20000; ++i) {
    column.update("rare " + std::to_string(i));
    if (i % 10 == 0) column.update(std::string_view("often"));
  }
  EXPECT_EQ(column.frequent_strings().items()[0].value, "often");
  EXPECT_NEAR(column.distinct_strings().estimate(), 20001.0, 1500.0);
  EXPECT_EQ(column.strings(), 22000U);
  EXPECT_EQ(encoded(round_trip(column, "s")), encoded(column));
}

// Integers beyond exact mode: the frequent ones must be as many as the quantiles are of.
TEST(Column, DecodeRefusesFactsOfAnotherNumberOfIntegers) {
  Column column("x");
  for (std::int64_t i = 0; i < 3000; ++i) column.update(i);
  const auto bytes = encoded(column);
  const auto tail = [](const sketch::FrequentIntegers& items) {
    wire::Writer out;
    items.encode(out);
    return std::move(out).take();
  };
  const auto own = tail(column.number_facts().frequent);
  ASSERT_TRUE(std::equal(own.rbegin(), own.rend(), bytes.rbegin()));
  sketch::FrequentIntegers others = column.number_facts().frequent;
  others.update(2999);
  for (const auto& [items, good] :
       {std::pair(column.number_facts().frequent, true), {others, false}}) {
    std::vector<std::uint8_t> changed(bytes.begin(), bytes.end() - own.size());
    const auto end = tail(items);
    changed.insert(changed.end(), end.begin(), end.end());
    wire::Reader in(changed);
    if (good) {
      EXPECT_EQ(encoded(decoded_column(in, "x")), bytes);
    } else {
      EXPECT_THROW((void)decoded_column(in, "x"), DecodeError);
    }
  }
}

TEST(Column, CountsOfMissingValuesHaveALimit) {
  Column column("a");
  column.update(1.0);
  column.update_null((std::uint64_t{1} << 56) - 1);
  const auto before = encoded(column);
  EXPECT_THROW(column.update_null(1), IncompatibleError);
  EXPECT_THROW(column.update_null(UINT64_MAX), IncompatibleError);
  EXPECT_EQ(encoded(column), before);
  EXPECT_EQ(encoded(round_trip(column, "a")), before);
}

TEST(Column, DecodeRefusesWhatCannotBe) {
  Column column("a", {Role::kDate, Origin::kExif});
  column.update(std::int64_t{3});
  column.update(std::string_view("x"));
  auto bytes = encoded(column);
  EXPECT_EQ(round_trip(column, "a").meaning(), column.meaning());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    wire::Reader in(std::span<const std::uint8_t>(bytes).first(size));
    EXPECT_THROW((void)decoded_column(in, "a"), DecodeError) << size;
  }
  bytes[2] = 2;  // two integers among one number
  wire::Reader in(bytes);
  EXPECT_THROW((void)decoded_column(in, "a"), DecodeError);
}

TEST(Column, BoolsAndDatesAddUpInMergesAndFiles) {
  const auto logged = [](int integers, int fractions, std::uint64_t bools, std::uint64_t dates) {
    Column column("a");
    for (int i = 0; i < integers; ++i) column.update(std::int64_t{1});
    for (int i = 0; i < fractions; ++i) column.update(0.5);
    column.add_types(bools, dates);
    return column;
  };
  Column column = logged(3, 2, 2, 1);
  column.merge(logged(1, 1, 1, 1));
  const Column again = round_trip(column, "a");
  EXPECT_EQ(again.bools(), 3U);
  EXPECT_EQ(again.dates(), 2U);
  EXPECT_THROW(column.add_types(2, 0), std::invalid_argument);
  EXPECT_THROW(column.add_types(0, 2), std::invalid_argument);
  EXPECT_THROW(Column("b").add_types(1, 0), std::invalid_argument);
  auto bytes = encoded(logged(1, 1, 1, 1));
  for (const std::size_t types : {3, 4}) {  // behind the head, the missing and the integers
    bytes[types] = 2;
    wire::Reader in(bytes);
    EXPECT_THROW((void)decoded_column(in, "a"), DecodeError);
    bytes[types] = 1;
  }
}

TEST(Column, EveryRoleAndOriginIsKeptAndNoOtherIsRead) {
  for (unsigned head = 0; head < 256; ++head) {
    if ((head & 0x0C) != 0) continue;  // numbers or strings, which these bytes have not
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(head), 0};
    wire::Reader in(bytes);
    if (head >> 4 > static_cast<unsigned>(kLastRole)) {
      EXPECT_THROW((void)decoded_column(in, "a"), DecodeError) << head;
    } else {
      const Column column = decoded_column(in, "a");
      EXPECT_EQ(static_cast<unsigned>(column.meaning().role), head >> 4);
      EXPECT_EQ(static_cast<unsigned>(column.meaning().origin), head & 3);
      EXPECT_EQ(encoded(column), std::vector<std::uint8_t>(bytes, bytes + 2));
    }
  }
}

}  // namespace
}  // namespace lightmeter::profile
