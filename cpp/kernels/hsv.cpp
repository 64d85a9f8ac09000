#include "kernels/hsv.hpp"

#include <algorithm>

namespace lightmeter::kernels {

HsvTables::HsvTables() noexcept {
  for (std::uint32_t high = 0; high < 256; ++high) {
    for (std::uint32_t low = 0; low <= high; ++low) {
      saturation[high << 8 | low] = saturation_of(high, low);
      for (std::uint32_t sector = 0; sector < kSectors; ++sector) {
        hue[sector << 16 | high << 8 | low] = hue_of(sector, high, low);
      }
    }
  }
}

const HsvTables& hsv_tables() noexcept {
  static const HsvTables tables;
  return tables;
}

void rgb_to_hsv(const Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
                const std::uint8_t* blue, std::size_t n, std::uint8_t* hue,
                std::uint8_t* saturation, std::uint8_t* value) {
  constexpr std::size_t kBlock = 8 * kGroup;
  const HsvTables& tables = hsv_tables();
  std::array<std::array<std::uint8_t, kBlock>, 3> plane{};
  std::array<std::array<std::uint32_t, kBlock>, 2> key;
  std::array<std::uint16_t, kBlock> middle;
  for (std::size_t start = 0; start < n; start += kBlock) {
    const std::size_t count = std::min(kBlock, n - start);
    std::copy_n(red + start, count, plane[0].begin());
    std::copy_n(green + start, count, plane[1].begin());
    std::copy_n(blue + start, count, plane[2].begin());
    tier.colour_keys(plane[0].data(), plane[1].data(), plane[2].data(), count, key[0].data(),
                     key[1].data(), middle.data());
    for (std::size_t i = 0; i < count; ++i) {
      value[start + i] = static_cast<std::uint8_t>(key[0][i] >> 8);
      saturation[start + i] = tables.saturation[key[0][i] & 0xffff];
      hue[start + i] = tables.hue[key[1][i]];
    }
  }
}

}  // namespace lightmeter::kernels
