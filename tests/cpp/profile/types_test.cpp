#include "profile/types.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "error.hpp"
#include "profile/profile.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {
namespace {

Profile logged(int integers, int fractions, const Types& types) {
  Profile profile;
  for (int i = 0; i < integers; ++i) profile.column("a").update(std::int64_t{1});
  for (int i = 0; i < fractions; ++i) profile.column("a").update(0.5);
  profile.add_types("a", types);
  return profile;
}

TEST(Types, AddUpInMergesAndFiles) {
  Profile profile = logged(3, 2, {.bools = 2, .dates = 1});
  profile.merge(logged(1, 1, {.bools = 1, .dates = 1}));
  profile.merge(profile);
  const Types types = Profile::decode(profile.encode()).types("a");
  EXPECT_EQ(types.bools, 6);
  EXPECT_EQ(types.dates, 4);
  EXPECT_EQ(profile.types("b").bools, 0);
  EXPECT_EQ(Profile::decode(profile.encode()).encode(), profile.encode());
}

TEST(Types, OfNoneHaveNoBytes) {
  Profile plain;
  plain.column("a").update(0.5);
  EXPECT_EQ(logged(0, 1, {}).encode(), plain.encode());
}

TEST(Types, MoreThanThereAreNumbersAreRefused) {
  EXPECT_THROW(logged(1, 1, {.bools = 2, .dates = 0}), std::invalid_argument);
  EXPECT_THROW(logged(1, 1, {.bools = 0, .dates = 2}), std::invalid_argument);
  Profile empty;
  EXPECT_THROW(empty.add_types("a", {.bools = 1, .dates = 0}), std::invalid_argument);
}

TEST(Types, DamagedOnesAreRefused) {
  for (const auto& [bools, dates] : {std::pair{2, 0}, {0, 2}, {0, 0}}) {
    wire::Writer body;
    for (const int number : {1, 1}) body.varint(static_cast<std::uint64_t>(number));
    body.bytes(std::array<std::uint8_t, 1>{'a'});
    for (const int number : {bools, dates}) body.varint(static_cast<std::uint64_t>(number));
    wire::Writer sections;
    sections.section("types", body.view());
    std::vector<std::uint8_t> file = logged(1, 1, {}).encode();
    file[6] = 2;  // sections
    const std::uint32_t checksum = wire::crc32c(std::span(file).first(7));
    for (int i = 0; i < 4; ++i) file[7 + i] = static_cast<std::uint8_t>(checksum >> (8 * i));
    const auto added = sections.view();
    file.insert(file.end(), added.begin(), added.end());
    EXPECT_THROW((void)Profile::decode(file), DecodeError) << bools << dates;
  }
}

}  // namespace
}  // namespace lightmeter::profile
