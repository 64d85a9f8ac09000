#include "profile/group_moments.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "profile/profile.hpp"
#include "sketch/codec_checks.hpp"

namespace lightmeter::profile {
namespace {

using sketch::encoded;

Column numbers(std::initializer_list<double> values, Role role = Role::kPlain) {
  Column column("a", {role, Origin::kImage});
  for (const double value : values) column.update(value);
  return column;
}

Bucket bucket(const std::string& group) { return GroupMoments::bucket_of(group); }

// Three groups of hues, numbers, strings, and values that are a group each.
GroupMoments sample() {
  GroupMoments groups;
  for (const char* const name : {"a", "b", "c"}) {
    Column column = numbers({1.0, 2.0, name[0] * 0.25, std::numeric_limits<double>::infinity()});
    column.update(std::string_view(name));
    column.update_null(2);
    groups.add(bucket(name), "value", column);
    groups.add(bucket(name), "hue", numbers({10.0, 250.0, 3.0}, Role::kAngle));
    groups.add(bucket(name), "image", ImageGroup{3, {{ExifPolicy{{"Artist"}, {}}, 2}}});
  }
  groups.add(kSingle, "value", numbers({5.0, 8.0}));
  groups.add(kSingle, "hue", numbers({5.0, 8.0}, Role::kAngle));
  return groups;
}

TEST(GroupMoments, BucketsArePartOfTheFormat) {
  EXPECT_EQ(GroupMoments::bucket_of(std::nullopt), kSingle);
  EXPECT_EQ(bucket("slide-7"), 1367U);
  EXPECT_EQ(bucket(""), 3503U);
}

TEST(GroupMoments, MeansAndSquaresAreThoseOfTheirGroup) {
  GroupMoments groups;
  for (const double value : {1.0, 3.0}) groups.add(bucket("a"), "value", numbers({value}));
  groups.add(bucket("b"), "value", numbers({10.0, 10.0, 13.0}));
  const auto& values = groups.columns().at("value");
  ASSERT_EQ(values.size(), 2U);
  const auto& a = values.at(bucket("a"));
  EXPECT_EQ(a.x.n(), 2U);
  EXPECT_DOUBLE_EQ(a.x.mean(), 2.0);
  EXPECT_DOUBLE_EQ(a.x.sum_of_squares() + values.at(bucket("b")).x.sum_of_squares(), 2.0 + 6.0);
}

TEST(GroupMoments, OfHugeNumbersStayUsable) {
  constexpr double kHuge = std::numeric_limits<double>::max();
  GroupMoments groups;
  for (const double value : {kHuge, -kHuge, 1.0}) groups.add(7, "value", numbers({value}));
  sketch::expect_round_trip(groups);
  EXPECT_TRUE(std::isfinite(groups.columns().at("value").at(7).x.mean()));
}

TEST(GroupMoments, ManyGroupsAreJoinedTheSameInAnyOrder) {
  GroupMoments rising;
  GroupMoments falling;
  GroupMoments halves[2];
  for (int i = 0; i < 1000; ++i) {
    const auto at = [](int group) { return bucket("burst " + std::to_string(group)); };
    rising.add(at(i), "value", numbers({i % 8 + 0.0}));
    falling.add(at(999 - i), "value", numbers({(999 - i) % 8 + 0.0}));
    halves[i % 2].add(at(i), "value", numbers({i % 8 + 0.0}));
  }
  halves[1].merge(halves[0]);
  EXPECT_LE(rising.columns().at("value").size(), GroupMoments::kMost);
  for (const GroupMoments& other : {falling, halves[1]}) {
    EXPECT_EQ(other.buckets(), rising.buckets());
    const auto& got = other.columns().at("value");
    const auto& expected = rising.columns().at("value");
    ASSERT_EQ(got.size(), expected.size());
    for (const auto& [bucket, values] : expected) {
      ASSERT_TRUE(got.contains(bucket));
      const auto& x = got.at(bucket).x;
      EXPECT_EQ(x.n(), values.x.n());
      EXPECT_NEAR(x.mean(), values.x.mean(), 1e-12 * 8);
      EXPECT_NEAR(x.sum_of_squares(), values.x.sum_of_squares(), 1e-9);
    }
  }
}

// Of one name, but of two meanings: nothing that could be compared.
TEST(GroupMoments, HuesAndOtherNumbersAreNoHues) {
  const GroupValues hues(numbers({10.0, 250.0}, Role::kAngle)), plain(numbers({1e300}));
  for (const auto& [first, second] : {std::pair(hues, plain), {plain, hues}}) {
    GroupValues sum = GroupValues();
    for (const GroupValues& part : {first, second, hues}) sum.merge(part);
    EXPECT_EQ(sum.x.n(), 5U);
    EXPECT_EQ(sum.y.n(), 0U);
    sketch::expect_round_trip(sum);
  }
}

TEST(GroupMoments, DamageIsHarmless) {
  sketch::expect_round_trip(sample());
  sketch::expect_damage_is_harmless(sample(), [](GroupMoments& groups) { groups.merge(sample()); });
}

TEST(GroupMoments, HoldNoMoreThanTheirProfile) {
  Profile part;
  part.column("value").update(1.0);
  Profile profile;
  profile.merge_group("a", part);
  EXPECT_THROW(part.merge_group("b", profile), std::invalid_argument);
  EXPECT_EQ(Profile::decode(profile.encode()).encode(), profile.encode());

  wire::Writer out;  // the groups of this profile without its columns
  const auto whole = profile.encode();
  out.bytes(std::span(whole).first(6));
  out.u8(1);
  out.u32(wire::crc32c(out.view()));
  out.section("groups", encoded(profile.by_group()));
  EXPECT_THROW((void)Profile::decode(out.view()), DecodeError);
}

}  // namespace
}  // namespace lightmeter::profile
