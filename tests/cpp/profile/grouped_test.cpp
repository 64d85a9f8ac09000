#include "profile/grouped.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace lightmeter::profile {
namespace {

double sum(const std::vector<double>& table) {
  return std::accumulate(table.begin(), table.end(), 0.0);
}

TEST(Grouped, HasAnItemForEachBucketAndOneForValuesThatAreAGroupEach) {
  Profile part;
  for (const double value : {1.0, 3.0, std::numeric_limits<double>::infinity()}) {
    part.column("value").update(value);
  }
  part.column("value").update(std::string_view("text"), 2);
  part.column("value").update_null(4);
  Profile profile;
  profile.merge_group("a", part);
  profile.merge_group(std::nullopt, part);
  const Grouped result = grouped(profile, "value", {});
  const auto bucket = GroupMoments::bucket_of("a");
  ASSERT_EQ(result.n.size(), kBuckets + 1);
  for (const auto& [table, expected] :
       {std::pair(&result.n, 2.0), {&result.infinite, 1.0}, {&result.missing, 4.0}}) {
    EXPECT_EQ(table->at(bucket), expected);
    EXPECT_EQ(table->back(), expected);
    EXPECT_EQ(sum(*table), 2 * expected);
  }
  EXPECT_EQ(result.x[bucket], 2.0);
  EXPECT_EQ(result.within[0], 2.0);
  EXPECT_EQ(result.single[0], 2.0);
  ASSERT_EQ(result.texts.size(), 1U);
  EXPECT_EQ(result.texts.begin()->second.at(bucket), 2.0);
}

// Of each group as Profile::missing has it of all.
TEST(Grouped, CountsWhatIsNotStoredAsMissing) {
  Profile profile;
  for (const char* const group : {"a", "b"}) {
    Profile part;
    part.count_image("image", 5);
    part.count_exif_read("image", ExifPolicy{}, 4);
    part.column("image.Make", {Role::kPlain, Origin::kExif}).update(std::string_view(group), 3);
    part.column("image.Failure", {Role::kFailure, Origin::kImage}).update(std::string_view("x"));
    part.column("image.Artist", {Role::kPlain, Origin::kPersonalExif})
        .update(std::string_view("y"));
    profile.merge_group(group, part);
  }
  const auto bucket = GroupMoments::bucket_of("a");
  for (const auto& [name, expected] :
       {std::pair("image.Make", 1.0), {"image.Failure", 5.0}, {"image.Artist", 0.0}}) {
    const Grouped result = grouped(profile, name, profile.find(name)->meaning());
    EXPECT_EQ(result.missing.at(bucket), expected) << name;
    EXPECT_EQ(sum(result.missing), static_cast<double>(profile.missing(name))) << name;
  }
  EXPECT_EQ(sum(grouped(profile, "image.Model", {Role::kPlain, Origin::kExif}).missing), 8.0);
  EXPECT_EQ(sum(grouped(Profile(), "x", {}).missing), 0.0);
}

}  // namespace
}  // namespace lightmeter::profile
