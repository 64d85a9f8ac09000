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

GroupMoments::Place place(const std::string& group) { return GroupMoments::place_of(group); }

// Three groups of hues, numbers, strings, and values that are a group each.
GroupMoments sample() {
  GroupMoments groups;
  for (const char* const name : {"a", "b", "c"}) {
    Column column = numbers({1.0, 2.0, name[0] * 0.25, std::numeric_limits<double>::infinity()});
    column.update(std::string_view(name));
    column.update_null(2);
    groups.add(place(name), "value", column);
    groups.add(place(name), "hue", numbers({10.0, 250.0, 3.0}, Role::kAngle));
    groups.add(place(name), "image", 3, {{ExifPolicy{{"Artist"}, {}}, 2}});
  }
  groups.add(GroupMoments::kSingle, "value", numbers({5.0, 8.0}));
  groups.add(GroupMoments::kSingle, "hue", numbers({5.0, 8.0}, Role::kAngle));
  return groups;
}

TEST(GroupMoments, PlacesArePartOfTheFormat) {
  EXPECT_EQ(GroupMoments::place_of(std::nullopt), GroupMoments::kSingle);
  EXPECT_EQ(place("slide-7"), 1367U);
  EXPECT_EQ(place(""), 3503U);
}

TEST(GroupMoments, MeansAndSquaresAreThoseOfTheirGroup) {
  GroupMoments groups;
  for (const double value : {1.0, 3.0}) groups.add(place("a"), "value", numbers({value}));
  groups.add(place("b"), "value", numbers({10.0, 10.0, 13.0}));
  const auto& values = groups.columns().at("value");
  ASSERT_EQ(values.means.size(), 2U);
  const auto& a = values.means[place("a") < place("b") ? 0 : 1];
  EXPECT_EQ(a.n, 2U);
  EXPECT_DOUBLE_EQ(a.x, 2.0);
  EXPECT_DOUBLE_EQ(values.within[0], 2.0 + 6.0);
}

TEST(GroupMoments, OfHugeNumbersStayUsable) {
  constexpr double kHuge = std::numeric_limits<double>::max();
  GroupMoments groups;
  for (const double value : {kHuge, -kHuge, 1.0}) groups.add(7, "value", numbers({value}));
  sketch::expect_round_trip(groups);
  EXPECT_TRUE(std::isfinite(groups.columns().at("value").means.at(0).x));
}

TEST(GroupMoments, ManyGroupsAreJoinedTheSameInAnyOrder) {
  GroupMoments rising;
  GroupMoments falling;
  GroupMoments halves[2];
  for (int i = 0; i < 1000; ++i) {
    const auto at = [](int group) { return place("burst " + std::to_string(group)); };
    rising.add(at(i), "value", numbers({i % 8 + 0.0}));
    falling.add(at(999 - i), "value", numbers({(999 - i) % 8 + 0.0}));
    halves[i % 2].add(at(i), "value", numbers({i % 8 + 0.0}));
  }
  halves[1].merge(halves[0]);
  EXPECT_LE(rising.columns().at("value").means.size(), GroupMoments::kMost);
  for (const GroupMoments& other : {falling, halves[1]}) {
    EXPECT_EQ(other.places(), rising.places());
    const auto& got = other.columns().at("value");
    const auto& expected = rising.columns().at("value");
    ASSERT_EQ(got.means.size(), expected.means.size());
    for (std::size_t i = 0; i < got.means.size(); ++i) {
      EXPECT_EQ(got.means[i].place, expected.means[i].place);
      EXPECT_EQ(got.means[i].n, expected.means[i].n);
      EXPECT_NEAR(got.means[i].x, expected.means[i].x, 1e-12 * 8);
    }
    EXPECT_NEAR(got.within[0], expected.within[0], 1e-9);
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

  wire::Writer out;  // the groups of this profile behind the columns of another
  const auto empty = Profile().encode();
  out.bytes(std::span(empty).first(empty.size() - 4));
  out.section(8, [&](wire::Writer& body) { profile.by_group().encode(body); });
  out.u32(wire::crc32c(out.view()));
  EXPECT_THROW((void)Profile::decode(out.view()), DecodeError);
}

}  // namespace
}  // namespace lightmeter::profile
