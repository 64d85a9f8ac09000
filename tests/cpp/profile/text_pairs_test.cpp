#include "profile/text_pairs.hpp"

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

TEST(TextPairs, AreKeptOnceInOrder) {
  TextPairs decoders;
  decoders.add("PNG", "Pillow 13");
  decoders.add("JPEG", "Pillow 13");
  decoders.add("JPEG", "Pillow 12");
  decoders.add("JPEG", "Pillow 13");
  const std::vector<TextPair> expected{
      {"JPEG", "Pillow 12"}, {"JPEG", "Pillow 13"}, {"PNG", "Pillow 13"}};
  EXPECT_EQ(decoders.entries(), expected);
  EXPECT_EQ(decoded<TextPairs>(encoded(decoders)).entries(), expected);
}

TEST(TextPairs, AnyPartitionAndOrderOfMergesGivesTheSame) {
  std::vector<TextPair> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back({i % 3 != 0 ? "JPEG" : "TIFF", "Pillow " + std::to_string(i * 7919 % 150)});
  }
  TextPairs whole;
  for (const TextPair& decoder : all) whole.add(decoder.first, decoder.second);
  ASSERT_EQ(whole.entries().size(), TextPairs::kMaxEntries);
  for (std::size_t parts = 2; parts < 9; ++parts) {
    std::vector<TextPairs> split(parts);
    for (std::size_t i = 0; i < all.size(); ++i) {
      split[i * i % parts].add(all[i].first, all[i].second);
    }
    TextPairs left;
    for (const TextPairs& part : split) left.merge(part);
    TextPairs right;
    for (std::size_t i = parts; i-- > 0;) {
      TextPairs sum = split[i];
      sum.merge(right);
      right = sum;
    }
    EXPECT_EQ(left.entries(), whole.entries());
    EXPECT_EQ(right.entries(), whole.entries());
  }
}

TEST(TextPairs, LongOnesAreCutAndOthersRefused) {
  TextPairs decoders;
  const std::string name(TextPairs::kMaxValue - 1, 'n');
  decoders.add(std::string(70, 'F'), name + "\u00e9");
  const TextPair& kept = *decoders.entries().begin();
  EXPECT_EQ(kept.first.size(), TextPairs::kMaxKey);
  EXPECT_EQ(kept.second, name);  // not half of the last character
  EXPECT_EQ(decoded<TextPairs>(encoded(decoders)).entries(), decoders.entries());
}

TEST(TextPairs, DecodeRefusesWhatCannotHaveBeenWritten) {
  const auto refused = [](const std::vector<std::uint8_t>& bytes) {
    EXPECT_THROW((void)decoded<TextPairs>(bytes), DecodeError);
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

TEST(TextPairs, AreSectionsOfTheProfile) {
  Profile profile;
  profile.decoders.add("JPEG", "Pillow 13");
  Profile other;
  other.decoders.add("JPEG", "Pillow 12");
  other.tags.add("model", "v7");
  profile.tags.add("model", "v6");
  profile.merge(other);
  profile.forget_exemplars();
  const Profile again = Profile::decode(profile.encode());
  EXPECT_EQ(again.decoders.entries(), profile.decoders.entries());
  EXPECT_EQ(again.decoders.entries().size(), 2U);
  EXPECT_EQ(again.tags.entries(), (std::vector<TextPair>{{"model", "v6"}, {"model", "v7"}}));
  EXPECT_EQ(again.encode(), profile.encode());
}

}  // namespace
}  // namespace lightmeter::profile
