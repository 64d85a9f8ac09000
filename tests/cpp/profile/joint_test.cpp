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
  out.varint(3);
  out.string("Luma.mean");
  out.string("Noise");
  out.varint(0);
  sketch::Covariance covariance(2);
  covariance.update(std::array{1.0, 2.0});
  covariance.encode(out);
  wire::Reader in(out.view());
  return Joint::decode(in);
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

TEST(Joint, VersionsThatDifferLeaveAllImagesOut) {
  const Joint today = of_images(3), old = of_another_version();
  const Joint both = merged(today, old);
  EXPECT_TRUE(both.names().empty());
  EXPECT_EQ(both.left_out(), 4U);
  EXPECT_EQ(encoded(both), encoded(merged(old, today)));
  EXPECT_EQ(encoded(merged(both, today)), encoded(merged(merged(today, today), old)));
  wire::Writer out;
  both.encode(out);
  wire::Reader in(out.view());
  EXPECT_EQ(encoded(Joint::decode(in)), encoded(both));
  Joint more = old;
  more.merge(of_images(1));
  EXPECT_EQ(more.left_out(), 2U);
}

}  // namespace
}  // namespace lightmeter::profile
