#include "profile/failures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "error.hpp"
#include "profile/profile.hpp"
#include "sketch/codec_checks.hpp"

namespace lightmeter::profile {
namespace {

using sketch::decoded;
using sketch::encoded;

TEST(Failures, KeepsTheSmallestPathsEachOnceAndThoseWithoutLast) {
  Failures failures;
  failures.add({"", "corrupt", "no name"});
  for (int i = 250; i > 0; --i) failures.add({"p" + std::to_string(1000 + i), "empty", ""});
  failures.add({"p1001", "empty", ""});
  ASSERT_EQ(failures.entries().size(), Failures::kMaxEntries);
  EXPECT_EQ(failures.entries().begin()->path, "p1001");
  EXPECT_EQ(failures.entries().rbegin()->path, "p1100");

  Failures few;
  few.add({"", "corrupt", "no name"});
  few.add({"z", "empty", ""});
  EXPECT_EQ(few.entries().rbegin()->detail, "no name");
}

TEST(Failures, AnyPartitionAndOrderOfMergesGivesTheSame) {
  std::vector<Failure> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back({std::string(static_cast<std::size_t>(i * 7919 % 900), 'x') + std::to_string(i),
                   i % 2 != 0 ? "empty" : "corrupt", std::to_string(i)});
  }
  Failures whole;
  for (const Failure& failure : all) whole.add(failure);
  for (std::size_t parts = 2; parts < 9; ++parts) {
    std::vector<Failures> split(parts);
    for (std::size_t i = 0; i < all.size(); ++i) split[i * i % parts].add(all[i]);
    Failures left;
    for (const Failures& part : split) left.merge(part);
    Failures right;
    for (std::size_t i = parts; i-- > 0;) {
      Failures sum = split[i];
      sum.merge(right);
      right = sum;
    }
    EXPECT_EQ(left.entries(), whole.entries());
    EXPECT_EQ(right.entries(), whole.entries());
  }
}

TEST(Failures, LongOnesAreCut) {
  Failures failures;
  std::string detail(Failures::kMaxDetail - 1, 'd');
  failures.add({std::string(600, 'a') + "/name.jpg", std::string(50, 'r'), detail + "\u00e9"});
  const Failure& kept = *failures.entries().begin();
  EXPECT_EQ(kept.path.size(), Failures::kMaxPath);
  EXPECT_TRUE(kept.path.starts_with("...a") && kept.path.ends_with("a/name.jpg"));
  EXPECT_EQ(kept.reason.size(), Failures::kMaxReason);
  EXPECT_EQ(kept.detail, detail);  // not half of the last character
  EXPECT_EQ(decoded<Failures>(encoded(failures)).entries(), failures.entries());
}

TEST(Failures, EncodesAnyPath) {
  Failures failures;
  failures.add({"caf\xe9\n.jpg", "vanished", ""});
  failures.add({std::string("a\0b", 3), "unreadable", "caf\u00e9"});
  EXPECT_EQ(decoded<Failures>(encoded(failures)).entries(), failures.entries());
}

TEST(Failures, DecodeRefusesWhatCannotHaveBeenWritten) {
  const auto refused = [](const std::vector<std::uint8_t>& bytes) {
    EXPECT_THROW((void)decoded<Failures>(bytes), DecodeError);
  };
  refused({1});
  refused({1, 1, 'a', 1});
  refused({1, 1, 'a', 1, 0xFF, 0});          // a reason that is not UTF-8
  refused({2, 1, 'b', 0, 0, 1, 'a', 0, 0});  // falling
  refused({2, 1, 'a', 0, 0, 1, 'a', 0, 0});  // twice
  refused({2, 0, 0, 0, 1, 'a', 0, 0});       // without a path, but not last
  std::vector<std::uint8_t> many{101};
  for (std::uint8_t i = 0; i < 101; ++i) many.insert(many.end(), {1, i, 0, 0});
  refused(many);
  std::vector<std::uint8_t> longer{1, 0x81, 0x04};  // a path of 513 bytes
  longer.insert(longer.end(), 513, 'x');
  longer.insert(longer.end(), {0, 0});
  refused(longer);
}

TEST(Failures, AreASectionOfTheProfile) {
  Profile profile;
  const std::size_t without = profile.encode().size();
  profile.failures.add({"a.jpg", "empty", "no bytes"});
  EXPECT_GT(profile.encode().size(), without);
  Profile other;
  other.failures.add({"b.jpg", "corrupt", "odd"});
  profile.merge(other);
  const Profile again = Profile::decode(profile.encode());
  EXPECT_EQ(again.failures.entries(), profile.failures.entries());
  EXPECT_EQ(again.failures.entries().size(), 2U);
  EXPECT_EQ(again.encode(), profile.encode());
}

}  // namespace
}  // namespace lightmeter::profile
