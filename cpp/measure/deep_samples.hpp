#pragma once

#include <cstddef>
#include <cstdint>

#include "pixels.hpp"

namespace lightmeter::measure {

// Puts n samples, view.pixel_stride bytes apart, on the 16-bit grid: view.low is 0 and view.high is
// 65535. Throws OutOfRangeError.
using ToGrid = void (*)(const Pixels& view, const std::uint8_t* from, std::size_t n,
                        std::uint16_t* to);

// That of samples of more than 8 bits, by their type.
[[nodiscard]] ToGrid to_grid_of(const Pixels& view) noexcept;

}  // namespace lightmeter::measure
