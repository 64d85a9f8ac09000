// Reads out cells that colours were counted in. Plain loops, which compilers turn into vectors: of
// each tier, which says whether a run of cells counted nothing.
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
