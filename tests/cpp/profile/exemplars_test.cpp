#include "profile/exemplars.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "error.hpp"
#include "sketch/codec_checks.hpp"

namespace lightmeter::profile {
namespace {

using sketch::decoded;
using sketch::encoded;

using Values = std::vector<std::pair<std::string, double>>;

Exemplars one_picture(std::size_t keep, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Exemplars exemplars;
  exemplars.keep(keep);
  const auto value = static_cast<double>(random() % 50);  // with ties
  Values values{{"a", value}, {"b", -value}};
  if (seed % 3 == 0) values.pop_back();
  exemplars.add(values, random(), {"photo " + std::to_string(seed), {1, 2, std::uint8_t(seed)}});
  return exemplars;
}

TEST(Exemplars, KeepBothEndsAndTheLeastHashes) {
  Exemplars exemplars;
  exemplars.keep(2);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Values values{{"a", static_cast<double>(i)}, {"b", std::nan("")}};
    exemplars.add(values, 1000 - i, {std::to_string(i), {}});
  }
  const auto* ends = exemplars.find("a");
  ASSERT_NE(ends, nullptr);
  EXPECT_EQ(ends->low.entries(), (std::vector<Exemplars::Value>{{0, 1000}, {1, 999}}));
  EXPECT_EQ(ends->high.entries(), (std::vector<Exemplars::Value>{{99, 901}, {98, 902}}));
  EXPECT_EQ(exemplars.random(), (std::vector<std::uint64_t>{901, 902}));
  EXPECT_EQ(exemplars.picture(999).path, "1");
  EXPECT_THROW((void)exemplars.picture(950), std::out_of_range);
  EXPECT_EQ(exemplars.find("b"), nullptr);
}

TEST(Exemplars, AnyOrderAndTreeOfMergesGivesTheSameBytes) {
  std::mt19937_64 random(1);
  std::vector<Exemplars> leaves;
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    leaves.push_back(one_picture(3 + seed % 2, seed / 2 * 2));
  std::vector<std::uint8_t> expected;
  for (int round = 0; round < 50; ++round) {
    std::vector<Exemplars> parts = leaves;
    std::shuffle(parts.begin(), parts.end(), random);
    parts.resize(parts.size());
    while (parts.size() > 1) {
      const std::size_t at = random() % (parts.size() - 1);
      parts[at].merge(parts[at + 1]);
      if (random() % 2 == 0) parts[at] = decoded<Exemplars>(encoded(parts[at]));
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    const auto bytes = encoded(parts[0]);
    if (round == 0) expected = bytes;
    ASSERT_EQ(bytes, expected);
    EXPECT_EQ(parts[0].keep(), 3U);
    parts[0].merge(Exemplars());
    parts[0].merge(leaves[0]);
    EXPECT_EQ(encoded(parts[0]), expected);
  }
}

TEST(Exemplars, NothingIsKeptUnlessAskedFor) {
  Exemplars none;
  none.add(Values{{"a", 1}}, 7, {"x", {}});
  EXPECT_TRUE(none.random().empty());
  EXPECT_EQ(none.find("a"), nullptr);
  none.merge(one_picture(2, 1));
  EXPECT_EQ(none.keep(), 2U);
  EXPECT_THROW(none.keep(Exemplars::kMaxKeep + 1), std::invalid_argument);
  EXPECT_THROW(none.add({}, 7, {std::string(513, 'x'), {}}), std::invalid_argument);
  EXPECT_THROW(none.add({}, 7, {"", std::vector<std::uint8_t>(4097)}), std::invalid_argument);
}

TEST(Exemplars, DamageIsRefusedOrStaysValid) {
  Exemplars exemplars;
  for (std::uint64_t seed = 0; seed < 12; ++seed) exemplars.merge(one_picture(2, seed));
  const auto bytes = encoded(exemplars);
  EXPECT_EQ(encoded(decoded<Exemplars>(bytes)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW((void)decoded<Exemplars>(std::span(bytes).first(size)), DecodeError);
  }
  std::mt19937_64 random(2);
  for (int round = 0; round < 5000; ++round) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    try {
      const Exemplars again = decoded<Exemplars>(damaged);
      EXPECT_EQ(encoded(again), damaged);
      for (const char* name : {"a", "b"}) {
        if (const auto* ends = again.find(name)) {
          for (const auto& [value, hash] : ends->low.entries()) (void)again.picture(hash);
        }
      }
    } catch (const DecodeError&) {
    }
  }
}

}  // namespace
}  // namespace lightmeter::profile
