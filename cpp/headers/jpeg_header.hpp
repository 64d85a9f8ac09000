#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "headers/foreign.hpp"
#include "headers/jpeg_frame.hpp"
#include "headers/jpeg_segments.hpp"

namespace lightmeter::headers {

// What stands before the first scan of a JPEG file. Of a damaged file it is what comes before the
// damage.
struct JpegHeader {
  std::optional<JpegFrame> frame;
  std::string subsampling;     // see subsampling_of
  std::optional<int> quality;  // 1 to 100, see estimated_quality
  // The Exif block, without the "Exif" in front; the first 64 KB of the colour profile; the index of
  // a multi-picture file (CIPA DC-007), a TIFF structure.
  std::vector<std::uint8_t> exif;
  std::optional<std::vector<std::uint8_t>> icc, pictures;
};

[[nodiscard]] JpegHeader read_jpeg_header(Foreign& file);
// The same of segments that were found.
[[nodiscard]] JpegHeader read_jpeg_header(Foreign& file, std::span<const JpegSegment> segments);

// The first header of a frame, of JPEG-LS too; nothing if there is none before the first scan.
[[nodiscard]] std::optional<JpegSegment> find_jpeg_frame(Foreign& file);

// The IJG quality whose luminance table has the sum nearest to `sum`. It is exact for files of
// libjpeg and its kin. For others it is the quality at which libjpeg quantises as coarsely.
[[nodiscard]] int estimated_quality(std::uint64_t sum) noexcept;

}  // namespace lightmeter::headers
