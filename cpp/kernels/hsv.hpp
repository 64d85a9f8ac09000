#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/colour.hpp"

namespace lightmeter::kernels {

// Hue and saturation of every key; keys that no colour has are 0.
struct HsvTables {
  std::array<std::uint8_t, 65536> saturation{};    // by V << 8 | min
  std::array<std::uint8_t, kSectors << 16> hue{};  // by chroma_x key

  HsvTables() noexcept;
};
// Filled at the first call, which takes about a millisecond.
[[nodiscard]] const HsvTables& hsv_tables() noexcept;

}  // namespace lightmeter::kernels
