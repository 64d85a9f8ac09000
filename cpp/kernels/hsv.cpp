#include "kernels/hsv.hpp"

#include <vector>

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
  const HsvTables& tables = hsv_tables();
  std::vector<std::uint32_t> value_min(n), chroma_x(n);
  std::vector<std::uint16_t> middle(n);
  tier.colour_keys(red, green, blue, n, value_min.data(), chroma_x.data(), middle.data());
  for (std::size_t i = 0; i < n; ++i) {
    value[i] = static_cast<std::uint8_t>(value_min[i] >> 8);
    saturation[i] = tables.saturation[value_min[i] & 0xffff];
    hue[i] = tables.hue[chroma_x[i]];
  }
}

}  // namespace lightmeter::kernels
