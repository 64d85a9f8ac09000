#include "profile/repeats.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "error.hpp"
#include "profile/decoded_column.hpp"
#include "sketch/codec_checks.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {
namespace {

using sketch::encoded;

constexpr std::uint64_t kFrozen = 0xF0F0;
constexpr const char* kFrozenDigits = "000000000000f0f0";

Column decoded(std::span<const std::uint8_t> bytes) {
  wire::Reader in(bytes);
  Column column = decoded_column(in, "hashes");
  in.expect_end();
  return column;
}

Column hashes_of(std::span<const std::uint64_t> hashes) {
  Column column("hashes");
  for (const std::uint64_t hash : hashes) column.update_hash(hash, "");
  return column;
}

// Merges neighbours until one is left; some go through a file.
Column merged(std::vector<Column> parts, std::mt19937_64& random) {
  std::shuffle(parts.begin(), parts.end(), random);
  while (parts.size() > 1) {
    const std::size_t at = random() % (parts.size() - 1);
    parts[at].merge(parts[at + 1]);
    if (random() % 4 == 0) parts[at] = decoded(encoded(parts[at]));
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return parts[0];
}

TEST(Repeats, AreCountedWithTheLeastPath) {
  Column column("hashes");
  column.update_null();
  for (const char* path : {"b", "", "a/\u00e9", "c"}) column.update_hash(kFrozen, path);
  for (std::uint64_t hash = 1; hash < 4; ++hash) column.update_hash(hash, "other");
  column.update_hash(3, "");
  const Repeats repeats = repeats_of(decoded(encoded(column)));
  EXPECT_EQ(repeats.at_least, 4U);
  ASSERT_EQ(repeats.hashes.size(), 2U);
  EXPECT_EQ(repeats.hashes[0].hash, kFrozenDigits);
  EXPECT_EQ(repeats.hashes[0].times, 4U);
  EXPECT_EQ(repeats.hashes[0].path, "a/\u00e9");
  EXPECT_EQ(repeats.hashes[1].path, "other");
}

TEST(Repeats, AreThoseOfHashesOnly) {
  Column column("words");
  for (int i = 0; i < 9; ++i) column.update("word");
  EXPECT_EQ(repeats_of(column).at_least, 0U);
  EXPECT_TRUE(repeats_of(column).hashes.empty());
  Column hashes("words");
  hashes.update_hash(kFrozen, "path");
  column.merge(hashes);
  EXPECT_EQ(repeats_of(column).at_least, 8U);
  EXPECT_EQ(decoded(encoded(column)).path_of(kFrozenDigits), "path");
}

TEST(Repeats, AMillionDifferentPicturesHaveNone) {
  std::mt19937_64 random(1);
  Column whole("hashes");
  std::vector<Column> parts;
  for (int part = 0; part < 500; ++part) {
    std::vector<std::uint64_t> hashes(2000);
    for (std::uint64_t& hash : hashes) hash = random();
    parts.push_back(hashes_of(hashes));
    for (const std::uint64_t hash : hashes) whole.update_hash(hash, "");
  }
  for (const Column& column : {whole, merged(parts, random)}) {
    EXPECT_EQ(column.strings(), 1'000'000U);
    const Repeats repeats = repeats_of(column);
    EXPECT_EQ(repeats.at_least, 0U);
    EXPECT_TRUE(repeats.hashes.empty());
  }
}

TEST(Repeats, AFrozenCameraIsProvenInAnyOrder) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::uint64_t> hashes(1000, kFrozen);
    for (std::size_t i = 50; i < hashes.size(); ++i) hashes[i] = random();
    std::shuffle(hashes.begin(), hashes.end(), random);
    std::vector<Column> parts;
    for (std::size_t i = 0; i < hashes.size();) {
      const std::size_t size = std::min(hashes.size() - i, 1 + random() % 100);
      parts.push_back(hashes_of(std::span(hashes).subspan(i, size)));
      i += size;
    }
    for (const Column& column : {hashes_of(hashes), merged(parts, random)}) {
      const Repeats repeats = repeats_of(column);
      ASSERT_EQ(repeats.hashes.size(), 1U);
      EXPECT_EQ(repeats.hashes[0].hash, kFrozenDigits);
      EXPECT_GE(repeats.hashes[0].times, 48U);  // the floor is at most 1 on the way
      EXPECT_LE(repeats.hashes[0].times, 50U);
      EXPECT_EQ(repeats.at_least, repeats.hashes[0].times - 1);
    }
  }
}

// Too many and too rare to be listed, but far fewer than the values.
TEST(Repeats, ManyRarePairsShowInTheDistinctCount) {
  std::vector<std::uint64_t> hashes(200'000);
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < hashes.size(); i += 2) hashes[i] = hashes[i + 1] = random();
  std::shuffle(hashes.begin(), hashes.end(), random);
  const Repeats repeats = repeats_of(hashes_of(hashes));
  EXPECT_GT(repeats.at_least, 80'000U);
  EXPECT_LE(repeats.at_least, 100'000U);
}

TEST(Repeats, NeverAreMoreThanThereWere) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 50; ++round) {
    std::map<std::uint64_t, std::uint64_t> truth;
    std::vector<Column> parts;
    for (int part = 0; part < 40; ++part) {
      Column column("hashes");
      for (int i = 0; i < 100; ++i) {
        const std::uint64_t hash = random() % (random() % 5000 + 1);
        column.update_hash(hash, "");
        ++truth[hash];
      }
      parts.push_back(column);
    }
    const Repeats repeats = repeats_of(merged(parts, random));
    EXPECT_LE(repeats.at_least, 4000 - truth.size());
    EXPECT_GT(repeats.at_least, 0U);
    for (const auto& item : repeats.hashes) {
      EXPECT_LE(item.times, truth[std::stoull(item.hash, nullptr, 16)]);
    }
  }
}

TEST(Repeats, AnyOrderAndTreeOfMergesGivesTheSameBytes) {
  std::mt19937_64 random(5);
  std::vector<Column> leaves;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Column column("hashes", {Role::kHash, Origin::kImage});
    for (std::uint64_t i = 0; i < 12; ++i) {
      const std::uint64_t hash = random() % 400;
      column.update_hash(hash, "photos/" + std::to_string(random() % 1000) + ".jpg");
    }
    if (seed % 5 == 0) column.update_null();
    leaves.push_back(column);
  }
  const auto expected = encoded(merged(leaves, random));
  for (int round = 0; round < 20; ++round) EXPECT_EQ(encoded(merged(leaves, random)), expected);
}

TEST(Repeats, PathsAreBoundedText) {
  Column column("hashes");
  std::string path = "\u00e9";
  while (path.size() < 600) path += "\u00e9";
  column.update_hash(1, path + "x");
  EXPECT_EQ(column.path_of("0000000000000001"), path.substr(0, 510) + "x");
  EXPECT_EQ(column.strings(), 1U);
  std::mt19937_64 random(6);
  for (int i = 0; i < 5000; ++i) column.update_hash(random(), path);
  EXPECT_LT(encoded(column).size(), 512U * (18 + 6 + 512));
  EXPECT_EQ(encoded(decoded(encoded(column))), encoded(column));
}

TEST(Repeats, DamageIsRefusedOrStaysValid) {
  Column column("hashes");
  for (std::uint64_t i = 0; i < 20; ++i) {
    column.update_hash(i % 15, i % 4 == 0 ? "" : "photos/\u00e9/" + std::to_string(i * 7 % 20));
  }
  const auto bytes = encoded(column);
  EXPECT_EQ(encoded(decoded(bytes)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW((void)decoded(std::span(bytes).first(size)), DecodeError);
  }
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    try {
      const Column again = decoded(damaged);
      (void)repeats_of(again);
      EXPECT_EQ(encoded(decoded(encoded(again))), encoded(again));
    } catch (const DecodeError&) {
    }
  }
}

}  // namespace
}  // namespace lightmeter::profile
