#include "profile/row_sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "error.hpp"
#include "sketch/codec_checks.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {
namespace {

using sketch::decoded;
using sketch::encoded;

using Numbers = RowSample::Numbers;

RowSample one_row(std::size_t keep, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  RowSample sample;
  sample.keep(keep);
  Numbers row{{"b", static_cast<double>(random() % 50)},
              {"a", 1.0 / static_cast<double>(seed + 3)}};
  if (seed % 3 == 0) row.erase("a");
  sample.add(row);
  return sample;
}

TEST(RowSample, KeepsEqualRowsOnceAndNoMoreThanAskedFor) {
  RowSample sample;
  sample.add(Numbers{{"a", 1.0}});
  EXPECT_TRUE(sample.rows().empty());
  sample.keep(8);
  for (int i = 0; i < 200; ++i) {
    sample.add(Numbers{{"a", i % 5 + 0.1}, {"b", -0.0}});
    sample.add(Numbers{{"b", 0.0}, {"a", i % 5 + 0.1}});
  }
  EXPECT_EQ(sample.rows().size(), 5U);
  for (int i = 0; i < 200; ++i) sample.add(Numbers{{"a", i + 0.5}});
  EXPECT_EQ(sample.rows().size(), 8U);
  EXPECT_EQ(decoded<RowSample>(encoded(sample)).rows().size(), 8U);
}

TEST(RowSample, OfTinyNumbersCanBeRead) {
  RowSample sample;
  sample.keep(8);
  for (const double value : {-1e-300, 1e-300, -1e-46, -0.0}) sample.add(Numbers{{"a", value}});
  EXPECT_EQ(encoded(decoded<RowSample>(encoded(sample))), encoded(sample));
}

TEST(RowSample, KeepsWhatARowCanHold) {
  RowSample sample;
  sample.keep(4);
  const std::string longest(RowSample::kMaxName, 'n'), longer = longest + "n";
  sample.add(Numbers{{"a", std::nan("")}, {"b", 1e300}, {longer, 1.0}});
  EXPECT_TRUE(sample.rows().empty());
  sample.add(Numbers{{longest, 0.1}, {longer, 1.0}, {"inf", HUGE_VAL}});
  const RowSample::Row& row = *sample.rows().begin();
  EXPECT_EQ(*row.names, RowSample::Names{longest});
  EXPECT_EQ(row.values, std::vector<float>{0.1F});

  std::vector<std::string> names;
  for (std::size_t i = 0; i < 300; ++i) names.push_back("n" + std::to_string(1000 + i));
  Numbers many;
  for (const std::string& name : names) many.emplace(name, 1.0);
  RowSample wide;
  wide.keep(1);
  wide.add(many);
  EXPECT_EQ(*wide.rows().begin()->names,
            RowSample::Names(names.begin(), names.begin() + RowSample::kMaxNumbers));

  EXPECT_THROW(sample.keep(RowSample::kMaxKeep + 1), std::invalid_argument);
}

TEST(RowSample, AnyOrderAndTreeOfMergesGivesTheSameBytes) {
  std::mt19937_64 random(1);
  std::vector<RowSample> leaves;
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    leaves.push_back(one_row(7 + seed % 2, seed / 2 * 2));
  std::vector<std::uint8_t> expected;
  for (int round = 0; round < 50; ++round) {
    std::vector<RowSample> parts = leaves;
    std::shuffle(parts.begin(), parts.end(), random);
    while (parts.size() > 1) {
      const std::size_t at = random() % (parts.size() - 1);
      parts[at].merge(parts[at + 1]);
      if (random() % 2 == 0) parts[at] = decoded<RowSample>(encoded(parts[at]));
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    const auto bytes = encoded(parts[0]);
    if (round == 0) expected = bytes;
    ASSERT_EQ(bytes, expected);
    EXPECT_EQ(parts[0].keep(), 7U);
    parts[0].merge(RowSample());
    parts[0].merge(leaves[0]);
    EXPECT_EQ(encoded(parts[0]), expected);
  }
}

// An honest sample, of which each case spoils one thing.
struct Spoilt {
  std::uint64_t keep = 2;
  std::vector<std::pair<RowSample::Names, std::vector<std::uint64_t>>> tables{// names, hashes
                                                                              {{"a", "b"}, {5}},
                                                                              {{"b"}, {9}}};
  float value = 1.0F;

  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    wire::Writer out;
    out.varint(keep);
    out.varint(tables.size());
    for (const auto& [names, hashes] : tables) {
      out.varint(names.size());
      for (const auto& name : names) out.string(name);
      out.varint(hashes.size());
      for (const std::uint64_t hash : hashes) {
        out.u64(hash);
        for (std::size_t i = 0; i < names.size(); ++i) out.f32(value);
      }
    }
    return std::move(out).take();
  }
};

TEST(RowSample, RefusesWhatItWouldNotWrite) {
  const Spoilt honest;
  EXPECT_EQ(encoded(decoded<RowSample>(honest.bytes())), honest.bytes());
  const auto refused = [](auto spoil) {
    Spoilt sample;
    spoil(sample);
    EXPECT_THROW((void)decoded<RowSample>(sample.bytes()), DecodeError);
  };
  refused([](Spoilt& s) { s.keep = 0; });
  refused([](Spoilt& s) { s.keep = 1; });
  refused([](Spoilt& s) { s.keep = RowSample::kMaxKeep + 1; });
  refused([](Spoilt& s) { s.tables[0].first = {"b", "a"}; });
  refused([](Spoilt& s) { s.tables[0].first = {"a", "a"}; });
  refused([](Spoilt& s) { s.tables[0].first = {}; });
  refused([](Spoilt& s) { s.tables[0].first = {"\xff"}; });
  refused([](Spoilt& s) { s.tables[0].first = {std::string(RowSample::kMaxName + 1, 'a')}; });
  refused([](Spoilt& s) { std::swap(s.tables[0], s.tables[1]); });
  refused([](Spoilt& s) { s.tables.push_back({{"c"}, {}}); });
  refused([](Spoilt& s) { s.tables[1].second = {5}; });
  refused([](Spoilt& s) { s.tables[0].second = {6, 5}; });
  refused([](Spoilt& s) { s.value = -0.0F; });
  refused([](Spoilt& s) { s.value = std::numeric_limits<float>::quiet_NaN(); });
  refused([](Spoilt& s) { s.value = std::numeric_limits<float>::infinity(); });

  const std::vector<std::uint8_t> bytes = honest.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW((void)decoded<RowSample>(std::span(bytes).first(size)), DecodeError);
  }
}

}  // namespace
}  // namespace lightmeter::profile
