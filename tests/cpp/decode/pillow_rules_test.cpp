#include "decode/pillow_rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lightmeter::decode {
namespace {

bool takes(std::uint8_t marker, std::string_view body, JpegApplications applications = {}) {
  const std::vector<std::uint8_t> bytes(body.begin(), body.end());
  return take_application(marker, bytes, applications);
}

constexpr std::string_view kExif("Exif\0\0MM\0*\0\0\0\x08\0\0", 16);

TEST(PillowRules, EachRefusesASegmentThatNoOtherRefuses) {
  using std::string;
  const std::vector<string> refused = {
      "JFIF",
      string(kExif),
      "Exif" + string(2, '\0') + "Exif" + string(6, '\0'),
      string("Exif\0\0MM\0+\0\0\0\0", 14),
      string("Exif\0\0MM\0*\0\0\0\x08\0\1\1\x1A\0\2\0\0\0\1", 24) + string("7\0\0\0", 4),
      "ICC_PROFILE" + string(3, '\1'),
      "MPF",
      "",
      "Adobe" + string(7, '\0'),
  };
  const auto rules = pillow_rules();
  ASSERT_EQ(refused.size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const JpegApplications before{.exif = i == 1};
    const std::vector<std::uint8_t> body(refused[i].begin(), refused[i].end());
    for (const PillowRule& rule : rules) {
      const bool is_meant = rule.segment == rules[i].segment && rule.start == rules[i].start;
      EXPECT_EQ(!is_meant || rule.test(body, before), &rule != &rules[i]) << rule.rule;
    }
    EXPECT_FALSE(takes(rules[i].segment, refused[i], before)) << rules[i].rule;
  }
}

TEST(PillowRules, UsualSegmentsAreTaken) {
  EXPECT_TRUE(takes(0xE0, std::string("JFIF\0", 5) + std::string(9, '\0')));
  EXPECT_TRUE(takes(0xE1, kExif));
  EXPECT_TRUE(takes(0xE1, "http://ns.adobe.com/xap/1.0/"));
  EXPECT_TRUE(takes(0xEE, std::string("Adobe") + std::string(6, '\0') + '\1'));
}

}  // namespace
}  // namespace lightmeter::decode
