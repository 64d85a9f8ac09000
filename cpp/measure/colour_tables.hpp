#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/tier.hpp"
#include "measure/byte_tables.hpp"
#include "measure/colour_cells.hpp"
#include "measure/image_counts.hpp"
#include "measure/tile.hpp"

namespace lightmeter::measure {

// Tables that the colours of an image are counted in: cells or, of few pixels or many colours, bytes.
// Cells may stay full from one tile to the next, so that images in strips are read out once. Their
// memory is kept for others: an object has some only while it counts or is full.
class ColourTables {
 public:
  ColourTables() noexcept = default;
  ~ColourTables() { stop_waiting(); }
  ColourTables(const ColourTables&) = delete;
  ColourTables& operator=(const ColourTables&) = delete;

  // Chooses tables for a tile, of an image of which about so many pixels will be counted here.
  // Throws std::bad_alloc.
  void prepare(const Tile& tile, std::int64_t pixels);
  // Counts n pixels of an image that they are prepared for, here or in part in `counts`. The arrays
  // have room for kBlockPixels.
  void add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
           const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept;

  // Whether they may stay full until the next tile: so few of all do that these take little memory.
  [[nodiscard]] bool may_wait() noexcept;
  // Moves all counts to `counts`.
  void drain(const kernels::Tier& tier, ImageCounts& counts) noexcept;

 private:
  void stop_waiting() noexcept;

  std::unique_ptr<ColourCells> cells_;  // one of the two, or none
  std::unique_ptr<ByteTables> bytes_;
  bool many_colours_ = false;  // were seen
  bool waits_ = false;
};

}  // namespace lightmeter::measure
