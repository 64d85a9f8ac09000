#include "profile/number_facts.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "profile/column.hpp"

namespace lightmeter::profile {
namespace {

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

Counts frequent_of(const Column& column) {
  Counts counts;
  const auto items = column.number_facts().frequent_beside(column.frequent_strings());
  for (const auto& [value, lower, estimate] : items) {
    EXPECT_EQ(lower, estimate);
    counts.emplace_back(value, estimate);
  }
  return counts;
}

TEST(NumberFacts, ListFrequentIntegersBesideTexts) {
  Column column("mixed");
  for (const std::int64_t value : {7, 7, -2, 10}) column.update(value);
  column.update(std::string_view("b"), 2);
  column.update(std::string_view("a"), 1);
  EXPECT_EQ(frequent_of(column), (Counts{{"b", 2}, {"7", 2}, {"a", 1}, {"-2", 1}, {"10", 1}}));
}

TEST(NumberFacts, ListNoIntegersBesideFractions) {
  Column column("mixed");
  column.update(std::int64_t{3});
  column.update(0.5);
  column.update(std::string_view("a"));
  EXPECT_EQ(frequent_of(column), (Counts{{"a", 1}}));
  EXPECT_TRUE(frequent_of(Column("empty")).empty());
}

}  // namespace
}  // namespace lightmeter::profile
