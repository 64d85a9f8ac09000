#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "lightmeter/measure/image_meter.hpp"

namespace lightmeter::measure {

// The keys of a run of pixels, see Kernels::colour_keys. Small enough to stay in the L1 cache.
inline constexpr std::size_t kBlockPixels = 16 * kernels::kGroup;
struct KeyBlock {
  alignas(64) std::array<std::uint16_t, kBlockPixels> red_green;
  alignas(64) std::array<std::uint16_t, kBlockPixels> value_chroma;
  alignas(64) std::array<std::uint16_t, kBlockPixels> blue_hue;
};

// All tables hold the counts of at most this many pixels: a word for hue is
// count << 32 | sum of chroma, and 2^24 chromas of at most 255 stay below 2^32.
inline constexpr std::ptrdiff_t kTablePixels = std::ptrdiff_t{1} << 24;

// Counts whole keys: three increments a pixel, but a megabyte of tables to read out in the end.
// Saturation, floor(255 C / V), needs no work per pixel, as it is a function of the key.
class PairTables {
 public:
  void add(const KeyBlock& keys, std::size_t n) noexcept;
  // Moves the counts out and leaves the tables empty.
  void drain(ImageCounts& counts) noexcept;

 private:
  std::array<std::uint32_t, 65536> red_green_{};
  std::array<std::uint32_t, 65536> value_chroma_{};
  std::array<std::uint64_t, 65536> blue_hue_{};
};

// Counts the halves of the keys: six increments a pixel, for images too small for PairTables.
// Even and odd pixels have tables of their own, so that equal neighbours do not wait for each
// other.
class ByteTables {
 public:
  void add(const KeyBlock& keys, std::size_t n) noexcept;
  void drain(ImageCounts& counts) noexcept;

 private:
  struct Copy {
    std::array<std::uint32_t, 256> red, green, blue, saturation, value;
    std::array<std::uint64_t, 256> hue;
  };
  std::array<Copy, 2> copies_{};
};

}  // namespace lightmeter::measure
