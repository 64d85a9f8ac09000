#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace lightmeter::kernels {

// Pillow's 8-bit saturation, floor(255 C / V), by value_chroma key; 0 where the key is impossible
// (C > V). Pillow computes trunc(255 * float32(C / V)), which is the same for every C <= V.
[[nodiscard]] const std::array<std::uint8_t, 65536>& saturation_table();

// Pillow's 8-bit HSV of n pixels, through the same keys and table that counting uses.
void rgb_to_hsv(const Kernels& kernels, const std::uint8_t* red, const std::uint8_t* green,
                const std::uint8_t* blue, std::size_t n, std::uint8_t* hue,
                std::uint8_t* saturation, std::uint8_t* value);

}  // namespace lightmeter::kernels
