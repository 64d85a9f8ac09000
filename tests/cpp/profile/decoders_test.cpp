#include "profile/decoders.hpp"

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

TEST(Decoders, AreKeptOnceInOrder) {
  Decoders decoders;
  decoders.add("PNG", "Pillow 13");
  decoders.add("JPEG", "Pillow 13");
  decoders.add("JPEG", "Pillow 12");
  decoders.add("JPEG", "Pillow 13");
  const std::vector<Decoder> expected{
      {"JPEG", "Pillow 12"}, {"JPEG", "Pillow 13"}, {"PNG", "Pillow 13"}};
  EXPECT_EQ(decoders.entries(), expected);
  EXPECT_EQ(decoded<Decoders>(encoded(decoders)).entries(), expected);
}

TEST(Decoders, AnyPartitionAndOrderOfMergesGivesTheSame) {
  std::vector<Decoder> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back({i % 3 != 0 ? "JPEG" : "TIFF", "Pillow " + std::to_string(i * 7919 % 150)});
  }
  Decoders whole;
  for (const Decoder& decoder : all) whole.add(decoder.format, decoder.name);
  ASSERT_EQ(whole.entries().size(), Decoders::kMaxEntries);
  for (std::size_t parts = 2; parts < 9; ++parts) {
    std::vector<Decoders> split(parts);
    for (std::size_t i = 0; i < all.size(); ++i) {
      split[i * i % parts].add(all[i].format, all[i].name);
    }
    Decoders left;
    for (const Decoders& part : split) left.merge(part);
    Decoders right;
    for (std::size_t i = parts; i-- > 0;) {
      Decoders sum = split[i];
      sum.merge(right);
      right = sum;
    }
    EXPECT_EQ(left.entries(), whole.entries());
    EXPECT_EQ(right.entries(), whole.entries());
  }
}

TEST(Decoders, LongOnesAreCutAndOthersRefused) {
  Decoders decoders;
  const std::string name(Decoders::kMaxName - 1, 'n');
  decoders.add(std::string(40, 'F'), name + "\u00e9");
  const Decoder& kept = *decoders.entries().begin();
  EXPECT_EQ(kept.format.size(), Decoders::kMaxFormat);
  EXPECT_EQ(kept.name, name);  // not half of the last character
  EXPECT_EQ(decoded<Decoders>(encoded(decoders)).entries(), decoders.entries());
  EXPECT_THROW(decoders.add("JPEG", "\xff"), std::invalid_argument);
}

TEST(Decoders, DecodeRefusesWhatCannotHaveBeenWritten) {
  const auto refused = [](const std::vector<std::uint8_t>& bytes) {
    EXPECT_THROW((void)decoded<Decoders>(bytes), DecodeError);
  };
  refused({1});
  refused({1, 1, 'a'});
  refused({1, 1, 'a', 1, 0xFF});       // a name that is not UTF-8
  refused({2, 1, 'b', 0, 1, 'a', 0});  // falling
  refused({2, 1, 'a', 0, 1, 'a', 0});  // twice
  std::vector<std::uint8_t> many{65};
  for (std::uint8_t i = 0; i < 65; ++i) many.insert(many.end(), {1, i, 0});
  refused(many);
  std::vector<std::uint8_t> longer{1, 0, 0x81, 0x01};  // a name of 129 bytes
  longer.insert(longer.end(), 129, 'x');
  refused(longer);
}

TEST(Decoders, AreASectionOfTheProfile) {
  Profile profile;
  profile.decoders.add("JPEG", "Pillow 13");
  Profile other;
  other.decoders.add("JPEG", "Pillow 12");
  profile.merge(other);
  profile.forget_pictures();
  const Profile again = Profile::decode(profile.encode());
  EXPECT_EQ(again.decoders.entries(), profile.decoders.entries());
  EXPECT_EQ(again.decoders.entries().size(), 2U);
  EXPECT_EQ(again.encode(), profile.encode());
}

}  // namespace
}  // namespace lightmeter::profile
