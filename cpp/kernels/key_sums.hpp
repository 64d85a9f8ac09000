#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace lightmeter::kernels {

// Sums of what tables of 16-bit numbers count by keys.
struct KeySums {
  // By channel and value: where it is the greatest, and where it is the least. Sums of at most
  // 2 * 256 numbers.
  std::array<std::array<std::uint32_t, 256>, 3> max{}, min{};
  std::array<std::uint64_t, 256> saturation{}, hue{}, hue_chroma{};
};

// Numbers that are in one line of the cache.
inline constexpr std::size_t kLineNumbers = 32;

// The hues of a sector are 85 / 2 (sector + x / C), for x from 0 to C, rounded down, and then at
// most 1 lower (hue_of): all of them are among these.
inline constexpr std::size_t kSectorHues = 45;
constexpr std::size_t first_hue(std::size_t sector) {
  return std::max<std::size_t>(85 * sector / 2, 1) - 1;
}
static_assert(first_hue(1) + kSectorHues > 85 && first_hue(3) + kSectorHues > 170 &&
              first_hue(5) + kSectorHues == 256);

}  // namespace lightmeter::kernels
