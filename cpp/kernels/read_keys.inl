// Reads out tables of keys. Included inside the region and namespace of each tier; plain loops that
// compilers turn into vectors, and the tier's is_zero_line, as most lines of a table are zero.

void read_keys(std::uint16_t* value_min, std::uint16_t* chroma_x, KeySums& sums) noexcept {
  const HsvTables& tables = hsv_tables();
  std::uint32_t by_hue[256] = {};  // sums of a row, and zeros again after it
  for (std::size_t row = 0; row < kSectors << 16; row += 256) {
    const std::size_t sector = row >> 16, high = row >> 8 & 0xff;
    std::uint32_t* const min = sums.min[kMinChannel[sector]].data();
    std::uint32_t in_row = 0;
    bool has_hue = false;
    for (std::size_t low = 0; low <= high; low += kLineNumbers) {
      std::uint16_t* numbers = value_min + row + low;
      if (!is_zero_line(numbers)) {
        const std::uint8_t* const saturation = &tables.saturation[high << 8 | low];
        for (std::size_t i = 0; i < kLineNumbers; ++i) in_row += numbers[i];
        for (std::size_t i = 0; i < kLineNumbers; ++i) min[low + i] += numbers[i];
        for (std::size_t i = 0; i < kLineNumbers; ++i) {
          sums.saturation[saturation[i]] += numbers[i];
        }
        for (std::size_t i = 0; i < kLineNumbers; ++i) numbers[i] = 0;
      }
      numbers = chroma_x + row + low;
      if (!is_zero_line(numbers)) {
        const std::uint8_t* const hue = &tables.hue[row + low];
        for (std::size_t i = 0; i < kLineNumbers; ++i) by_hue[hue[i]] += numbers[i];
        for (std::size_t i = 0; i < kLineNumbers; ++i) numbers[i] = 0;
        has_hue = true;
      }
    }
    sums.max[kMaxChannel[sector]][high] += in_row;
    if (!has_hue) continue;
    const std::size_t first = first_hue(sector);
    for (std::size_t hue = first; hue < first + kSectorHues; ++hue) {
      sums.hue[hue] += by_hue[hue];
      sums.hue_chroma[hue] += std::uint64_t{by_hue[hue]} * high;
      by_hue[hue] = 0;
    }
  }
}
