#include "profile/joint.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "measure/image_meter.hpp"
#include "sketch/codec_checks.hpp"

namespace lightmeter::profile {
namespace {

using sketch::encoded;

Joint of_images(int images) {
  Joint joint;
  for (int i = 1; i <= images; ++i) {
    std::vector<std::uint8_t> samples(3 * 12 * 12);
    for (std::size_t at = 0; at < samples.size(); ++at) {
      samples[at] = static_cast<std::uint8_t>(at * at * static_cast<std::size_t>(i) % 251);
    }
    measure::ImageMeter meter;
    meter.update({samples.data(), 12, 12, 3, 36, 3});
    joint.update(meter.values());
  }
  return joint;
}

// As another version would write: of fewer numbers, and one image.
Joint of_another_version() {
  wire::Writer out;
  out.varint(0);
  out.varint(1);
  out.varint(2);
  out.string("Luma.mean");
  out.string("Noise");
  sketch::Covariance covariance(2);
  covariance.update(std::array{1.0, 2.0});
  covariance.encode(out);
  return sketch::decoded<Joint>(out.view());
}

Joint merged(Joint a, const Joint& b) {
  a.merge(b);
  return a;
}

TEST(Joint, AnEmptyOneChangesNothing) {
  for (const Joint& joint : {of_images(3), of_another_version()}) {
    EXPECT_EQ(encoded(merged(joint, Joint())), encoded(joint));
    EXPECT_EQ(encoded(merged(Joint(), joint)), encoded(joint));
  }
}

TEST(Joint, VersionsThatDifferStayApart) {
  const Joint today = of_images(3), old = of_another_version();
  const Joint both = merged(today, old);
  EXPECT_EQ(both.observations(), 4U);
  ASSERT_EQ(both.by_key().size(), 2U);
  EXPECT_EQ(both.by_key().at(today.by_key().begin()->first), today.by_key().begin()->second);
  EXPECT_EQ(both.by_key().at({"Luma.mean", "Noise"}).n(), 1U);
  EXPECT_EQ(encoded(both), encoded(merged(old, today)));
  EXPECT_EQ(encoded(merged(both, today)), encoded(merged(merged(today, today), old)));
  sketch::expect_round_trip(both);
}

}  // namespace
}  // namespace lightmeter::profile
