#pragma once

#include <cstdint>
#include <vector>

#include "headers/foreign.hpp"

namespace lightmeter::headers {

// ITU T.81, table B.1, and JPEG-LS.
struct JpegMarker {
  static constexpr std::uint8_t kBaseline = 0xC0, kExtended = 0xC1, kHuffman = 0xC4;
  static constexpr std::uint8_t kStart = 0xD8, kEnd = 0xD9, kScan = 0xDA, kQuantisation = 0xDB;
  static constexpr std::uint8_t kRestarts = 0xDD, kComment = 0xFE, kJpegLs = 0xF7;
  static constexpr std::uint8_t kApp0 = 0xE0, kApp1 = 0xE1, kApp2 = 0xE2, kApp13 = 0xED;
  static constexpr std::uint8_t kApp14 = 0xEE, kApp15 = 0xEF;
};

// A segment by its marker; the body follows two bytes of its size, and may reach beyond the file.
struct JpegSegment {
  std::uint8_t marker;
  Part body;
};

// The segments of a JPEG file up to the first scan, which is the last of them. At most 4096; they
// end before damage. Fill bytes and markers without a body are stepped over.
[[nodiscard]] std::vector<JpegSegment> jpeg_segments(Foreign& file);

}  // namespace lightmeter::headers
