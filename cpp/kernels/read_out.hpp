// Reads out where colours were counted. Plain loops, which compilers turn into vectors: of each tier,
// which says whether a piece of memory counted nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/compiler.hpp"
#include "kernels/hsv.hpp"

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

// Tier::read_keys. Most lines of a table are zero.
template <auto kIsZeroLine>
LIGHTMETER_INLINE void read_keys(std::uint16_t* value_min, std::uint16_t* chroma_x,
                                 KeySums& sums) noexcept {
  const HsvTables& tables = hsv_tables();
  std::uint32_t by_hue[256] = {};  // sums of a row, and zeros again after it
  for (std::size_t row = 0; row < kSectors << 16; row += 256) {
    const std::size_t sector = row >> 16, high = row >> 8 & 0xff;
    std::uint32_t* const min = sums.min[kMinChannel[sector]].data();
    std::uint32_t in_row = 0;
    bool has_hue = false;
    for (std::size_t low = 0; low <= high; low += kLineNumbers) {
      std::uint16_t* numbers = value_min + row + low;
      if (!kIsZeroLine(numbers)) {
        const std::uint8_t* const bins = &tables.saturation[high << 8 | low];
        for (std::size_t i = 0; i < kLineNumbers; ++i) in_row += numbers[i];
        for (std::size_t i = 0; i < kLineNumbers; ++i) min[low + i] += numbers[i];
        for (std::size_t i = 0; i < kLineNumbers; ++i) sums.saturation[bins[i]] += numbers[i];
        for (std::size_t i = 0; i < kLineNumbers; ++i) numbers[i] = 0;
      }
      numbers = chroma_x + row + low;
      if (!kIsZeroLine(numbers)) {
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

// Adds the counts of cells first to last of a run, along which the order of the channels and their
// differences are those of a colour, the first.
LIGHTMETER_INLINE void read_part(const std::uint8_t* counts, std::size_t first, std::size_t last,
                                 std::uint32_t red, std::uint32_t green, std::uint32_t blue,
                                 const HsvTables& tables, CellSums& sums) noexcept {
  std::uint32_t n = 0;
  for (std::size_t i = first; i < last; ++i) n += counts[i];
  if (n == 0) return;
  const Hexcone colour = hexcone(red, green, blue);
  const std::uint32_t chroma = colour.max - colour.min;
  std::uint32_t* const values = &sums.chroma_value[chroma << 8 | colour.max];
  if (last - first == kRunCells) {
    for (std::size_t i = 0; i < kRunCells; ++i) values[i] += counts[i];
  } else {
    for (std::size_t i = first; i < last; ++i) values[i - first] += counts[i];
  }
  sums.has_chroma[chroma] = true;
  const std::uint8_t hue = tables.hue[colour.sector << 16 | chroma << 8 | colour.x];
  sums.hue[hue] += n;
  sums.hue_chroma[hue] += std::uint64_t{n} * chroma;
}

// Tier::read_page.
template <auto kIsEmptyRun>
LIGHTMETER_INLINE void read_page(const std::uint8_t* cells, std::size_t page,
                                 CellSums& sums) noexcept {
  const HsvTables& tables = hsv_tables();
  // First which runs count something: a branch for each would be foreseen as badly as a coin.
  std::array<std::uint16_t, kPageCells / kRunCells> starts;
  std::size_t runs = 0;
  for (std::size_t start = 0; start < kPageCells; start += kRunCells) {
    starts[runs] = static_cast<std::uint16_t>(start);
    runs += kIsEmptyRun(cells + start) ? 0 : 1;
  }
  for (std::size_t run = 0; run < runs; ++run) {
    const std::size_t start = starts[run];
    alignas(64) std::uint8_t counts[kRunCells];  // bytes, which every width of vector loads at once
    for (std::size_t i = 0; i < kRunCells; ++i) {
      counts[i] = static_cast<std::uint8_t>(kNoneCounted - cells[start + i]);
    }
    const CellColour first = colour_of(static_cast<std::uint32_t>(page * kPageCells + start));
    std::uint32_t* const red = &sums.red[first.a + first.green];
    std::uint32_t* const green = &sums.green[first.green];
    std::uint32_t* const blue = &sums.blue[first.b + first.green];
    for (std::size_t i = 0; i < kRunCells; ++i) red[i] += counts[i];
    for (std::size_t i = 0; i < kRunCells; ++i) green[i] += counts[i];
    for (std::size_t i = 0; i < kRunCells; ++i) blue[i] += counts[i];
    // Red and blue pass 256 at most once each, which parts the run in three at most.
    for (std::uint32_t at = 0; at < kRunCells;) {
      const std::uint32_t g = first.green + at;
      std::uint32_t next = kRunCells;
      if (first.a + g < 256) next = std::min(next, 256 - first.a - first.green);
      if (first.b + g < 256) next = std::min(next, 256 - first.b - first.green);
      read_part(counts, at, next, (first.a + g) & 0xff, g, (first.b + g) & 0xff, tables, sums);
      at = next;
    }
  }
}

}  // namespace lightmeter::kernels
