#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/cells.hpp"
#include "kernels/tier.hpp"
#include "measure/byte_tables.hpp"

namespace lightmeter::measure {

// Counts colours, one increment a pixel: everything that is counted of a colour follows from it
// when the cells are read out. Of its 16 MB of addresses only those pages take memory that colours
// are counted in. Where they are few it is faster than ByteTables; where they are as many as in
// noise, every pixel waits for memory.
class ColourCells {
 public:
  // Null where there is no memory.
  [[nodiscard]] static std::unique_ptr<ColourCells> make() noexcept;
  ~ColourCells();
  ColourCells(const ColourCells&) = delete;
  ColourCells& operator=(const ColourCells&) = delete;

  // Counts n pixels, here or, where a cell would overflow, in `counts`. The arrays have room for
  // kBlockPixels.
  void add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
           const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept;
  // Moves all counts to `counts` and leaves the cells empty.
  void drain(const kernels::Tier& tier, ImageCounts& counts) noexcept;

  // How many pages count something.
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }
  // How many pages take memory.
  [[nodiscard]] std::size_t pages_of_memory() const noexcept { return pages_of_memory_; }

 private:
  using Marks = std::array<std::uint64_t, kernels::kPages / 64>;  // a bit for each page

  explicit ColourCells(std::uint8_t* memory) noexcept : memory_(memory) {}
  void at_zero(std::uint32_t cell, ImageCounts& counts) noexcept;

  std::uint8_t* memory_;  // zeros where nothing is counted
  Marks counting_{}, in_memory_{};
  std::size_t pages_ = 0, pages_of_memory_ = 0;
  kernels::CellSums sums_{};  // zeros but while the cells are read out
};

}  // namespace lightmeter::measure
