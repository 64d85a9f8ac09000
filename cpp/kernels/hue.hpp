#pragma once

#include <cstddef>
#include <numbers>

namespace lightmeter::kernels {

// Hue runs around a circle of this many steps, so that 0 follows 254.
inline constexpr double kHueSteps = 255.0;

[[nodiscard]] constexpr double hue_angle(double hue) noexcept {
  return hue * (2.0 * std::numbers::pi / kHueSteps);
}

// The angle of pixels in a bin of hue, of so many around the circle: hues are truncated, so they lie
// half a step on in the mean.
[[nodiscard]] constexpr double bin_angle(std::size_t bin, std::size_t bins) noexcept {
  return 2.0 * std::numbers::pi * (static_cast<double>(bin) + 0.5) / static_cast<double>(bins);
}

}  // namespace lightmeter::kernels
