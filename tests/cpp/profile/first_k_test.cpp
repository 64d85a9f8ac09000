#include "profile/first_k.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "error.hpp"

namespace lightmeter::profile {
namespace {

using Entry = std::pair<int, int>;
struct ByKey {
  bool operator()(const Entry& a, const Entry& b) const { return a.first < b.first; }
};
using Entries = FirstK<Entry, ByKey>;

Entries of(std::size_t most, const std::vector<Entry>& all) {
  Entries entries(most);
  for (const Entry& entry : all) entries.add(entry);
  return entries;
}

TEST(FirstK, AnyOrderKeepsTheSameAndOfOneKeyTheLesser) {
  std::vector<Entry> all{{1, 4}, {1, 9}, {2, 3}, {2, 7}, {3, 0}};
  do {
    const Entries whole = of(2, all);
    EXPECT_EQ(std::vector(whole.entries().begin(), whole.entries().end()),
              (std::vector<Entry>{{1, 4}, {2, 3}}));
    Entries sum = of(2, {all.begin(), all.begin() + 2});
    sum.merge(of(2, {all.begin() + 2, all.end()}));
    EXPECT_TRUE(std::ranges::equal(sum.entries(), whole.entries()));
  } while (std::next_permutation(all.begin(), all.end()));
}

TEST(FirstK, ASumKeepsAsManyAsTheSideThatKeepsFewer) {
  Entries three = of(3, {{1, 0}, {2, 0}, {3, 0}});
  three.merge(of(2, {{4, 0}, {5, 0}}));
  EXPECT_EQ(three.most(), 2U);
  EXPECT_EQ(three.entries().rbegin()->first, 2);
  three.merge(Entries());
  EXPECT_EQ(three.most(), 2U);
  Entries none;
  none.add({1, 0});
  EXPECT_TRUE(none.empty());
  none.merge(three);
  EXPECT_EQ(none.entries().size(), 2U);
}

TEST(FirstK, OnlyWhatRisesAndIsNotTooMuchIsRead) {
  const auto read = [](std::vector<std::uint8_t> bytes) {
    FirstK<std::uint64_t> entries(2);
    wire::Reader in(bytes);
    Codec codec(in);
    entries.layout(codec, [&](std::uint64_t& entry) { entry = in.u8(); });
    return entries.entries();
  };
  EXPECT_EQ(read({2, 5, 6}), (std::vector<std::uint64_t>{5, 6}));
  EXPECT_THROW((void)read({2, 5, 5}), DecodeError);
  EXPECT_THROW((void)read({2, 6, 5}), DecodeError);
  EXPECT_THROW((void)read({3, 5, 6, 7}), DecodeError);
  EXPECT_THROW((void)read({2, 5}), DecodeError);
}

}  // namespace
}  // namespace lightmeter::profile
