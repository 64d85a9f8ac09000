#include "measure/colour_cells.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "kernels/colour.hpp"
#include "kernels/hsv.hpp"

namespace lightmeter::measure {
namespace {

using kernels::CellColour;
using kernels::CellSums;
using kernels::kCells;
using kernels::kNoneCounted;
using kernels::kPageCells;

constexpr std::uint64_t kCellCarry = 256;

// Calls count(i) for n pixels. Neighbours often have equal cells, and an increment has to wait for
// one of the same cell just before it; so four parts of them take turns.
template <class Count>
void in_turns(std::size_t n, Count&& count) noexcept {
  const std::size_t part = n / 4;
  for (std::size_t i = 0; i < part; ++i) {
    count(i);
    count(part + i);
    count(2 * part + i);
    count(3 * part + i);
  }
  for (std::size_t i = 4 * part; i < n; ++i) count(i);
}

void carry(std::uint32_t cell, ImageCounts& counts) noexcept {
  const CellColour colour = kernels::colour_of(cell);
  const kernels::ColourKeys keys = kernels::colour_keys(colour.red(), colour.green, colour.blue());
  const std::uint8_t hue = kernels::hsv_tables().hue[keys.chroma_x];
  counts.channel[0][colour.red()] += kCellCarry;
  counts.channel[1][colour.green] += kCellCarry;
  counts.channel[2][colour.blue()] += kCellCarry;
  counts.value[keys.value_min >> 8 & 0xff] += kCellCarry;
  counts.saturation[kernels::hsv_tables().saturation[keys.value_min & 0xffff]] += kCellCarry;
  counts.hue[hue] += kCellCarry;
  counts.hue_chroma[hue] += kCellCarry * (keys.chroma_x >> 8 & 0xff);
}

// Adds the sums to the counts and makes them zero.
void move_sums(CellSums& sums, ImageCounts& counts) noexcept {
  const auto& saturation = kernels::hsv_tables().saturation;
  for (std::size_t i = 0; i < 256; ++i) {
    counts.channel[0][i] += std::uint64_t{sums.red[i]} + sums.red[i + 256];
    counts.channel[1][i] += sums.green[i];
    counts.channel[2][i] += std::uint64_t{sums.blue[i]} + sums.blue[i + 256];
    counts.hue[i] += sums.hue[i];
    counts.hue_chroma[i] += sums.hue_chroma[i];
  }
  // Most values of a chroma are of no pixel, whole lines of the cache at a time.
  constexpr std::size_t kLine = 16;
  for (std::size_t chroma = 0; chroma < 256; ++chroma) {
    if (!sums.has_chroma[chroma]) continue;
    sums.has_chroma[chroma] = false;
    for (std::size_t line = chroma / kLine * kLine; line < 256; line += kLine) {
      std::uint32_t* const values = &sums.chroma_value[chroma << 8 | line];
      std::uint32_t any = 0;
      for (std::size_t i = 0; i < kLine; ++i) any |= values[i];
      if (any == 0) continue;
      for (std::size_t i = 0; i < kLine; ++i) counts.value[line + i] += values[i];
      for (std::size_t value = std::max(line, chroma); value < line + kLine; ++value) {
        counts.saturation[saturation[value << 8 | (value - chroma)]] += values[value - line];
      }
      std::fill_n(values, kLine, 0);
    }
  }
  sums.red = sums.blue = {};
  sums.green = sums.hue = {};
  sums.hue_chroma = {};
}

}  // namespace

// A page of memory is there once it was written, if no huge page is there for it.
std::unique_ptr<ColourCells> ColourCells::make() noexcept {
  void* const memory =
      mmap(nullptr, kCells, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
#ifdef MADV_NOHUGEPAGE
  madvise(memory, kCells, MADV_NOHUGEPAGE);
#endif
  std::unique_ptr<ColourCells> cells(new (std::nothrow)
                                         ColourCells(static_cast<std::uint8_t*>(memory)));
  if (cells == nullptr) munmap(memory, kCells);
  return cells;
}

ColourCells::~ColourCells() { munmap(memory_, kCells); }

// A cell counts down, and is at zero before the first colour of its page or after 255 of its own.
// So one test of what was read is enough for both.
void ColourCells::add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
                      const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept {
  alignas(64) std::array<std::uint32_t, kBlockPixels> cells;
  tier.colour_cells(red, green, blue, n, cells.data());
  std::uint8_t* const memory = memory_;
  in_turns(n, [&](std::size_t i) {
    std::uint8_t* const cell = memory + cells[i];
    if ((*cell)-- == 0) [[unlikely]] {
      at_zero(static_cast<std::uint32_t>(cell - memory), counts);
    }
  });
}

// The cell was at zero and is at 255. If its page was counting, these 256 are carried, and it has
// counted none. If not, it has counted one, and all others none.
[[gnu::noinline]] void ColourCells::at_zero(std::uint32_t cell, ImageCounts& counts) noexcept {
  const std::size_t page = cell / kPageCells, word = page / 64;
  const std::uint64_t bit = std::uint64_t{1} << page % 64;
  if ((counting_[word] & bit) != 0) {
    carry(cell, counts);
    return;
  }
  counting_[word] |= bit;
  ++pages_;
  if ((in_memory_[word] & bit) == 0) {
    in_memory_[word] |= bit;
    ++pages_of_memory_;
  }
  std::memset(memory_ + page * kPageCells, kNoneCounted, kPageCells);
  --memory_[cell];
}

void ColourCells::drain(const kernels::Tier& tier, ImageCounts& counts) noexcept {
  if (pages_ == 0) return;
  for (std::size_t word = 0; word < counting_.size(); ++word) {
    for (std::uint64_t marks = counting_[word]; marks != 0; marks &= marks - 1) {
      const std::size_t page = 64 * word + static_cast<std::size_t>(std::countr_zero(marks));
      std::uint8_t* const cells = memory_ + page * kPageCells;
      tier.read_page(cells, page, sums_);
      std::memset(cells, 0, kPageCells);
    }
    counting_[word] = 0;
  }
  pages_ = 0;
  move_sums(sums_, counts);
}

}  // namespace lightmeter::measure
