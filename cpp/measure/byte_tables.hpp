#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/colour.hpp"
#include "kernels/tier.hpp"
#include "measure/image_counts.hpp"

namespace lightmeter::measure {

// Pixels that are counted at a time: few enough to leave most of the L1 cache to the tables.
inline constexpr std::size_t kBlockPixels = 8 * kernels::kGroup;

// Counts what colours stand for: five increments a pixel, and little to read out.
class ByteTables {
 public:
  // Counts n pixels, here or, where a number could overflow, in `counts`. The arrays have room for
  // kBlockPixels.
  void add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
           const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept;
  // Adds all counts to `counts`.
  void read(ImageCounts& counts) const noexcept;

 private:
  struct Keys;
  void count(const Keys& keys, std::size_t n) noexcept;

  // A word of hue is count << 32 | sum of chroma, and a chroma is at most 255.
  static constexpr std::size_t kMost = (std::size_t{1} << 24) - 1;

  using BySector = std::array<std::uint32_t, kernels::kSectors << 8>;
  BySector max_{}, middle_{}, min_{};
  std::array<std::uint32_t, 256> saturation_{};
  std::array<std::uint64_t, 256> hue_{};
  std::size_t in_tables_ = 0;
};

}  // namespace lightmeter::measure
