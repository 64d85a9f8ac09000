#pragma once

#include "measure/image_counts.hpp"
#include "measure/tile_rows.hpp"

namespace lightmeter::measure {

// Adds the histograms of the pixels of a tile of samples with more than 8 bits, put on the 16-bit
// grid, to counts made by ImageCounts::deep, and shows its rows. Throws OutOfRangeError and
// std::bad_alloc, after which `counts` may hold a part.
void count_deep_pixels(const Tile& tile, NoRows& rows, ImageCounts& counts);
void count_deep_pixels(const Tile& tile, TileRows<std::uint16_t>& rows, ImageCounts& counts);

}  // namespace lightmeter::measure
