#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "headers/exif_tags.hpp"
#include "headers/jpeg_header.hpp"
#include "headers/picture_file.hpp"
#include "headers/png_header.hpp"

namespace lightmeter::headers {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes text(std::string_view letters) { return {letters.begin(), letters.end()}; }

Bytes segment(std::uint8_t marker, const Bytes& body) {
  const auto size = static_cast<std::uint16_t>(body.size() + 2);
  return Bytes{0xFF, marker, static_cast<std::uint8_t>(size >> 8),
               static_cast<std::uint8_t>(size & 255)} +
         body;
}

const Bytes kStart{0xFF, 0xD8};
const Bytes kScan = segment(0xDA, Bytes(6));
const Bytes kFrame = segment(0xC2, {8, 0, 4, 0, 4, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1});
const Bytes kTable = segment(0xDB, Bytes{0} + Bytes(64, 1));

JpegHeader jpeg(const Bytes& data) {
  ForeignBytes file(data);
  return read_jpeg_header(file);
}

PngHeader png(const Bytes& data) {
  ForeignBytes file(data);
  return read_png_header(file);
}

TEST(JpegHeader, FrameTablesAndPlacesOfBlocks) {
  const Bytes exif = segment(0xE1, text("Exif") + Bytes{0, 0, 'I', 'I'});
  const JpegHeader header = jpeg(kStart + exif + kTable + kFrame + kScan + exif);
  ASSERT_TRUE(header.frame);
  EXPECT_EQ(header.frame->bit_depth, 8);
  EXPECT_EQ(header.frame->channels(), 3);
  EXPECT_TRUE(header.frame->progressive);
  EXPECT_EQ(header.subsampling, "4:2:0");
  EXPECT_EQ(std::pair(header.frame->width, header.frame->height), std::pair(4, 4));
  EXPECT_EQ(header.quality, 100);
  EXPECT_EQ(header.exif, text("II"));  // what follows the scan is not read
}

TEST(JpegHeader, WhatComesBeforeDamageStands) {
  const Bytes whole = kStart + kTable + kFrame + kScan;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const JpegHeader header = jpeg(Bytes(whole.begin(), whole.begin() + static_cast<int>(size)));
    EXPECT_EQ(header.frame.has_value(), size >= whole.size() - kScan.size()) << size;
  }
}

TEST(JpegHeader, FillBytesEndWithTheReads) {
  const JpegHeader header = jpeg(kStart + Bytes(300'000, 0xFF) + kFrame);
  EXPECT_FALSE(header.frame);
}

TEST(JpegHeader, QualityOfLibjpeg) {
  EXPECT_EQ(estimated_quality(64), 100);
  EXPECT_EQ(estimated_quality(0), 100);
  EXPECT_EQ(estimated_quality(64 * 255), 1);
  EXPECT_EQ(estimated_quality(3688), 50);  // the sum of table K.1
  EXPECT_EQ(estimated_quality(1'000'000), 1);
}

Bytes chunk(std::string_view name, const Bytes& body) {
  return Bytes{0, 0, 0, static_cast<std::uint8_t>(body.size())} + text(name) + body + Bytes(4);
}

TEST(PngHeader, TheLastExifStands) {
  const Bytes start =
      text("\x89PNG\r\n\x1a\n") + chunk("IHDR", {0, 0, 0, 4, 0, 0, 0, 4, 8, 6, 0, 0, 1});
  PngHeader header = png(start + chunk("tEXt", text("Comment")));
  EXPECT_EQ(header.bit_depth, 8);
  EXPECT_EQ(header.channels, 4);
  EXPECT_TRUE(header.has_alpha && header.progressive);
  EXPECT_EQ(header.pixels, 16U);
  header = png(start + chunk("eXIf", {}) + chunk("eXIf", {1, 2}) + chunk("IEND", {}));
  ASSERT_TRUE(header.exif);
  EXPECT_EQ(header.exif->size, 2U);
  header = png(start + chunk("acTL", {0, 0, 0, 7}));
  EXPECT_EQ(header.frames, 7U);
  EXPECT_THROW((void)png(Bytes(28)), DamagedError);
}

TEST(ExifTags, DirectoriesBelowTheFirstAndStartsOfValues) {
  const Bytes block = text("MM") +
                      Bytes{0,    42,   0, 0, 0, 8,                     //
                            0,    2,                                    //
                            1,    15,   0, 2, 0, 0, 0, 6, 0, 0, 0, 38,  // Make, after these
                            0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 46,  // Exif
                            0,    0,    0, 0} +
                      text("Canon") + Bytes{0, 0, 0} +
                      Bytes{0, 1, 0x88, 0x27, 0, 3, 0, 0, 0, 1, 1, 0x90, 0, 0};  // ISO 400
  ForeignBytes file(block);
  const ExifTags tags = read_exif_tags(file);
  EXPECT_FALSE(tags.is_little_endian);
  ASSERT_EQ(tags.main.size(), 2U);
  EXPECT_EQ(tags.main[0].start, (Part{38, 6}));
  ASSERT_EQ(tags.exif.size(), 1U);
  EXPECT_EQ(tags.exif[0].tag, 0x8827);
  EXPECT_EQ(tags.exif[0].start.size, 2U);
  EXPECT_TRUE(tags.gps.empty() && tags.interop.empty());
  for (std::size_t size = 0; size < block.size(); ++size) {
    ForeignBytes cut({block.data(), size});
    try {
      EXPECT_LE(read_exif_tags(cut).main.size(), 2U);
    } catch (const DamagedError&) {
      EXPECT_LT(size, 10U);
    }
  }
}

TEST(PictureKind, IsThatOfTheFirstBytes) {
  EXPECT_EQ(picture_kind(Bytes{0xFF, 0xD8, 0xFF}), PictureKind::kJpeg);
  EXPECT_EQ(picture_kind(text("\x89PNG\r\n\x1a\n")), PictureKind::kPng);
  EXPECT_FALSE(picture_kind(text("\x89PNG\r\n\x1a")));
  EXPECT_FALSE(picture_kind(Bytes{0xFF, 0xD8, 0xFF, 0} + text("ftyp")));
  EXPECT_FALSE(picture_kind({}));
}

}  // namespace
}  // namespace lightmeter::headers
