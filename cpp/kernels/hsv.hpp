#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/colour.hpp"
#include "kernels/tier.hpp"

namespace lightmeter::kernels {

// Hue and saturation of every key; keys that no colour has are 0.
struct HsvTables {
  std::array<std::uint8_t, 65536> saturation{};    // by V << 8 | min
  std::array<std::uint8_t, kSectors << 16> hue{};  // by chroma_x key

  HsvTables() noexcept;
};
// Filled at the first call, which takes about a millisecond.
[[nodiscard]] const HsvTables& hsv_tables() noexcept;

// Pillow's 8-bit HSV of n pixels, a multiple of kGroup, through the keys and tables that counting uses.
void rgb_to_hsv(const Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
                const std::uint8_t* blue, std::size_t n, std::uint8_t* hue,
                std::uint8_t* saturation, std::uint8_t* value);

}  // namespace lightmeter::kernels
