#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/colour.hpp"
#include "kernels/tier.hpp"
#include "measure/image_counts.hpp"
#include "pixels.hpp"

namespace lightmeter::measure {

// The keys of a run of pixels; small enough to leave most of the L1 cache to the tables.
inline constexpr std::size_t kBlockPixels = 8 * kernels::kGroup;
struct KeyBlock {
  alignas(64) std::array<std::uint32_t, kBlockPixels> value_min;
  alignas(64) std::array<std::uint32_t, kBlockPixels> chroma_x;
  alignas(64) std::array<std::uint16_t, kBlockPixels> middle;
};

// Calls count(i) for n pixels. Neighbours often have equal keys, and an increment has to wait for one
// of the same cell just before it; so four parts of them take turns.
template <class Count>
void in_turns(std::size_t n, Count&& count) noexcept {
  const std::size_t part = n / 4;
  for (std::size_t i = 0; i < part; ++i) {
    count(i);
    count(part + i);
    count(2 * part + i);
    count(3 * part + i);
  }
  for (std::size_t i = 4 * part; i < n; ++i) count(i);
}

// Counts whole keys: three increments a pixel. Reading out the tables takes as long as counting
// some ten thousand pixels.
class KeyTables {
 public:
  // Counts n pixels, here or, where a cell would overflow, in `counts`. The arrays have room for
  // kBlockPixels.
  void add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
           const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept;
  // Moves all counts to `counts` and leaves the tables empty.
  void drain(const kernels::Tier& tier, ImageCounts& counts) noexcept;
  void clear() noexcept;

 private:
  void count(const KeyBlock& keys, std::size_t n, ImageCounts& counts) noexcept;

  // Small cells, because what costs time is how many cache lines the colours of a picture touch.
  using Cells = std::array<std::uint16_t, kernels::kSectors << 16>;
  alignas(64) Cells value_min_{};
  alignas(64) Cells chroma_x_{};
  std::array<std::uint64_t, kernels::kSectors << 8> middle_{};  // never full: kMaxPixels < 2^47
};

// Counts what the keys stand for: more work per pixel, but little to read out. For fewer than 2^24
// pixels: a word of hue is count << 32 | sum of chroma, and a chroma is at most 255.
class ByteTables {
 public:
  // Counts n pixels. The arrays have room for kBlockPixels.
  void add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
           const std::uint8_t* blue, std::size_t n) noexcept;
  // Adds all counts to `counts`.
  void read(ImageCounts& counts) const noexcept;

 private:
  void count(const KeyBlock& keys, std::size_t n) noexcept;

  using BySector = std::array<std::uint32_t, kernels::kSectors << 8>;
  BySector max_{}, middle_{}, min_{};
  std::array<std::uint32_t, 256> saturation_{};
  std::array<std::uint64_t, 256> hue_{};
};

}  // namespace lightmeter::measure
