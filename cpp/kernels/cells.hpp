#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lightmeter::kernels {

// A cell is a byte in which one colour is counted; there are 2^24. With a = R - G and b = B - G,
// both modulo 256, the bits of its number are, from the highest on,
//
//   a7 a6 a5 a4 a3 G7 G6 G5   b7 b6 b5 b4 b3 a2 a1 a0   b2 b1 b0 G4 G3 G2 G1 G0
//
// Red and blue are sums modulo 256, so a cell and G say the colour. What is alike stays together: a
// page of 4096 cells, which is one of memory, holds 8 a by 16 b by 32 G, and a run of 32 cells has
// one a and one b. Hue and chroma are the same along a run but where a sum passes 256, and the
// histograms of a run are its counts moved along.
inline constexpr std::size_t kCells = std::size_t{1} << 24;
inline constexpr std::size_t kPageCells = 4096;
inline constexpr std::size_t kPages = kCells / kPageCells;
inline constexpr std::size_t kRunCells = 32;

constexpr std::uint32_t cell_of(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  const std::uint32_t a = (red - green) & 0xff, b = (blue - green) & 0xff;
  return (a & 0xf8) << 16 | green >> 5 << 16 | (b & 0xf8) << 8 | (a & 7) << 8 | (b & 7) << 5 |
         (green & 31);
}

struct CellColour {
  std::uint32_t a, b, green;
  [[nodiscard]] constexpr std::uint32_t red() const { return (a + green) & 0xff; }
  [[nodiscard]] constexpr std::uint32_t blue() const { return (b + green) & 0xff; }
};
constexpr CellColour colour_of(std::uint32_t cell) {
  return {(cell >> 16 & 0xf8) | (cell >> 8 & 7), (cell >> 8 & 0xf8) | (cell >> 5 & 7),
          (cell >> 11 & 0xe0) | (cell & 31)};
}

// A cell counts down from here, so that it reaches zero, where it was before its page was in use,
// only where it would overflow.
inline constexpr std::uint8_t kNoneCounted = 255;

// Sums of counts in pages. All cells together count at most 2^24 * 255 < 2^32, so no sum overflows.
struct CellSums {
  // Of red and blue by a + G and b + G, which are not yet modulo 256.
  std::array<std::uint32_t, 512> red, blue;
  std::array<std::uint32_t, 256> green, hue;
  std::array<std::uint64_t, 256> hue_chroma;
  // Of pixels by C << 8 | V, and which C there are. A run is added in whole; so there is room for a
  // run beyond the last value.
  std::array<std::uint32_t, 65536 + 256> chroma_value;
  std::array<bool, 256> has_chroma;
};

}  // namespace lightmeter::kernels
