#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "error.hpp"
#include "profile/profile.hpp"
#include "sketch/codec_checks.hpp"

namespace lightmeter::profile {
namespace {

using sketch::decoded;
using sketch::encoded;

TEST(Readings, AnyPartitionAndOrderOfMergesGivesTheSame) {
  const auto text_of = [](int i) { return "{\"channels\":" + std::to_string(i * 7919 % 40) + "}"; };
  Readings whole;
  for (int i = 0; i < 300; ++i) whole.add(text_of(i), i + 1);
  ASSERT_EQ(whole.counts().size(), Readings::kMaxEntries);
  for (std::size_t parts = 2; parts < 9; ++parts) {
    std::vector<Readings> split(parts);
    for (int i = 0; i < 300; ++i) split[i * i % parts].add(text_of(i), i + 1);
    Readings left;
    for (const Readings& part : split) left.merge(part);
    Readings right;
    for (std::size_t i = parts; i-- > 0;) {
      Readings sum = split[i];
      sum.merge(right);
      right = sum;
    }
    EXPECT_EQ(left.counts(), whole.counts());
    EXPECT_EQ(right.counts(), whole.counts());
  }
  EXPECT_EQ(decoded<Readings>(encoded(whole)).counts(), whole.counts());
}

TEST(Readings, TheShortestAreKept) {
  Readings readings;
  for (char c = 'a'; c <= 'p'; ++c) readings.add(std::string(9, c));
  readings.add("{}", 50);
  EXPECT_EQ(readings.counts().begin()->first, "{}");
  EXPECT_EQ(readings.observations(), 65U);
}

TEST(Readings, DecodeRefusesWhatCannotHaveBeenWritten) {
  const auto refused = [](const std::vector<std::uint8_t>& bytes) {
    EXPECT_THROW((void)decoded<Readings>(bytes), DecodeError);
  };
  refused({1});
  refused({1, 1, 'a'});
  refused({1, 1, 'a', 0});                  // of no image
  refused({1, 1, 0xFF, 1});                 // no UTF-8
  refused({2, 1, 'b', 1, 1, 'a', 1});       // falling
  refused({2, 2, 'a', 'a', 1, 1, 'b', 1});  // the longer first
  refused({2, 1, 'a', 1, 1, 'a', 1});       // twice
  std::vector<std::uint8_t> many{17};
  for (std::uint8_t i = 0; i < 17; ++i) many.insert(many.end(), {1, i, 1});
  refused(many);
  std::vector<std::uint8_t> longer{1, 0x81, 0x08};  // a text of 1025 bytes
  longer.insert(longer.end(), 1025, 'x');
  longer.push_back(1);
  refused(longer);
}

TEST(Readings, AreASectionOfTheProfile) {
  Profile profile;
  profile.count_image("image", 2, "{}");
  Profile other;
  other.count_image("image", 3, "{}");
  other.count_image("image", 1);
  profile.merge(other);
  profile.forget_exemplars();
  Profile again = Profile::decode(profile.encode());
  EXPECT_EQ(again.readings().at("image").counts().at("{}"), 5U);
  EXPECT_EQ(again.encode(), profile.encode());
}

TEST(Readings, OfMoreImagesThanThereAreAreRefused) {
  Profile profile;
  profile.count_image("image", 1, "{}");
  std::vector<std::uint8_t> bytes = profile.encode();
  const auto count = bytes.end() - 5;  // the last byte before the checksum of the section
  ASSERT_EQ(*count, 1);
  wire::Writer body;
  body.bytes({reinterpret_cast<const std::uint8_t*>("\x01\x05image\x01\x02{}\x02"), 12});
  wire::Writer section;
  section.section("readings", body.view());
  bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(section.size()), bytes.end());
  bytes.insert(bytes.end(), section.view().begin(), section.view().end());
  EXPECT_THROW((void)Profile::decode(bytes), DecodeError);
}

}  // namespace
}  // namespace lightmeter::profile
