#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "headers/foreign.hpp"

namespace lightmeter::headers {

// What the chunks of a PNG file say, without inflating any.
struct PngHeader {
  int bit_depth = 0;
  std::uint64_t pixels = 0;
  std::optional<int> channels;  // nothing for an unknown type of colour
  bool has_alpha = false;
  bool progressive = false;
  std::uint32_t frames = 1;
  std::optional<Part> exif;  // the last eXIf chunk
  std::optional<Part> icc;   // the last iCCP chunk
};

// The samples of a pixel by the number of its type of colour (ISO/IEC 15948, 11.2.2); 0 for no type.
[[nodiscard]] constexpr int png_channels(std::uint64_t colour) noexcept {
  constexpr std::array<int, 7> kChannels{1, 0, 3, 1, 2, 0, 4};
  return colour < kChannels.size() ? kChannels[colour] : 0;
}

// DamagedError if the file has no header. Beyond, what comes before damage stands. The Exif may
// follow the pixels, so all chunks are stepped over, up to 65 536.
[[nodiscard]] PngHeader read_png_header(Foreign& file);

}  // namespace lightmeter::headers
