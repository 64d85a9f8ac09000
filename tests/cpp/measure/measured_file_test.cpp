#include "measure/measured_file.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace lightmeter::measure {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes segment(std::uint8_t marker, const Bytes& body) {
  return Bytes{0xFF, marker, 0, static_cast<std::uint8_t>(body.size() + 2)} + body;
}

// A gray picture of one block: its only codes are one bit long, for a difference of 0 and the end.
Bytes gray_file(const Bytes& application = {}, std::uint8_t frame = 0xC0) {
  const Bytes code = Bytes{1} + Bytes(16, 0);
  return Bytes{0xFF, 0xD8} + application + segment(0xDB, Bytes{0} + Bytes(64, 1)) +
         segment(frame, {8, 0, 8, 0, 8, 1, 1, 0x11, 0}) + segment(0xC4, Bytes{0} + code) +
         segment(0xC4, Bytes{0x10} + code) + segment(0xDA, {1, 1, 0, 0, 63, 0}) +
         Bytes{0, 0xFF, 0xD9};
}

TEST(MeasuredFile, HeaderPixelsAndExif) {
  const Bytes exif = segment(0xE1, {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                    1,   18,  0,   3,   0, 0, 0,   1,   0, 6,  0, 0, 0, 0, 0, 0});
  auto file = measure_jpeg(gray_file(exif), {});
  ASSERT_TRUE(file);
  EXPECT_EQ(file->channels, 1);
  EXPECT_EQ(file->meter.counts().value[128], 64U);
  EXPECT_EQ(file->header.frame->width, 8);
  ASSERT_TRUE(file->exif);
  ASSERT_EQ(file->exif->main.size(), 1U);
  EXPECT_EQ(file->exif->main[0].tag, 274);
  EXPECT_FALSE(measure_jpeg(gray_file(), {})->exif);
}

TEST(MeasuredFile, WhatTheDecoderRefusesIsNotMeasured) {
  const Bytes file = gray_file();
  EXPECT_FALSE(measure_jpeg(gray_file({}, 0xC2), {}));  // progressive
  EXPECT_FALSE(measure_jpeg(file, {.most_pixels = 63}));
  EXPECT_TRUE(measure_jpeg(file, {.most_pixels = 64}));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(measure_jpeg(std::span(file).first(size), {})) << size;
  }
}

TEST(MeasuredFile, TheMaskIsThatOfTheSize) {
  FileOptions options;
  options.mask_of = [](std::int64_t width, std::int64_t height) {
    Bytes ignored(static_cast<std::size_t>(width * height));
    ignored[0] = 1;
    return std::make_shared<const Mask>(ignored.data(), width, height, width, 1);
  };
  EXPECT_EQ(measure_jpeg(gray_file(), options)->meter.counts().pixels(), 63U);
  options.mask_of = [](std::int64_t, std::int64_t) -> std::shared_ptr<const Mask> {
    throw std::invalid_argument("got another size");
  };
  EXPECT_FALSE(measure_jpeg(gray_file(), options));
}

}  // namespace
}  // namespace lightmeter::measure
