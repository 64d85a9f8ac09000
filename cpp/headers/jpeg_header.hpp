#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "headers/foreign.hpp"

namespace lightmeter::headers {

// What the header of a frame says.
struct JpegFrame {
  int bit_depth = 0;
  int channels = 0;
  bool progressive = false;
  std::uint32_t pixels = 0;  // 0 where the height comes later
  std::string
      subsampling;  // "4:2:0" or, where J:a:b has no word for it, "2x1 1x1 1x2"; may be none
};

// What stands before the first scan of a JPEG file. Of a damaged file it is what comes before the
// damage.
struct JpegHeader {
  std::optional<JpegFrame> frame;
  std::optional<int> quality;  // 1 to 100, see estimated_quality
  std::vector<Part> exif;      // the pieces of the Exif block, without the "Exif" in front
  std::optional<Part> icc;     // the first 64 KB of the colour profile
  std::optional<Part>
      pictures;  // the index of a multi-picture file (CIPA DC-007), a TIFF structure
};

[[nodiscard]] JpegHeader read_jpeg_header(Foreign& file);

struct JpegFrameBody {
  std::uint8_t marker;
  Part body;
};

// The first header of a frame, of JPEG-LS too; nothing if there is none before the first scan.
[[nodiscard]] std::optional<JpegFrameBody> find_jpeg_frame(Foreign& file);

// The IJG quality whose luminance table has the sum nearest to `sum`. It is exact for files of
// libjpeg and its kin. For others it is the quality at which libjpeg quantises as coarsely.
[[nodiscard]] int estimated_quality(std::uint64_t sum) noexcept;

}  // namespace lightmeter::headers
