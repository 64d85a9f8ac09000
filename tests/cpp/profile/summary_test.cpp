#include "profile/summary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lightmeter::profile {
namespace {

TEST(Summary, IsOfNumbersAndTextsTogether) {
  Column column("mixed");
  for (const std::int64_t value : {7, 7, -2, 10}) column.update(value);
  column.update(std::string_view("b"), 2);
  column.update(std::string_view("a"), 1);
  const Summary summary = summary_of(column);
  EXPECT_EQ(summary.moments.n(), 4U);
  EXPECT_EQ(summary.moments.mean(), 5.5);
  EXPECT_EQ(std::round(summary.distinct), 5.0);
  EXPECT_LE(summary.distinct_lower, summary.distinct);
  EXPECT_LE(summary.distinct, summary.distinct_upper);
  std::vector<std::pair<std::string, std::uint64_t>> frequent;
  for (const auto& [value, lower, estimate] : summary.frequent) {
    EXPECT_EQ(lower, estimate);
    frequent.emplace_back(value, estimate);
  }
  const std::vector<std::pair<std::string, std::uint64_t>> expected{
      {"b", 2}, {"7", 2}, {"a", 1}, {"-2", 1}, {"10", 1}};
  EXPECT_EQ(frequent, expected);
}

TEST(Summary, OfFractionsListsTextsOnly) {
  Column column("mixed");
  column.update(std::int64_t{3});
  column.update(0.5);
  column.update(std::string_view("a"));
  const Summary summary = summary_of(column);
  EXPECT_EQ(std::round(summary.distinct), 3.0);
  ASSERT_EQ(summary.frequent.size(), 1U);
  EXPECT_EQ(summary.frequent[0].value, "a");
  EXPECT_TRUE(summary_of(Column("empty")).frequent.empty());
}

}  // namespace
}  // namespace lightmeter::profile
