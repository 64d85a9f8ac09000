#include "kernels/hsv.hpp"

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

}  // namespace lightmeter::kernels
