#pragma once

#include "measure/tile_rows.hpp"

namespace lightmeter::measure {

// Adds the histograms of the pixels of a tile of samples with more than 8 bits, put on the 16-bit
// grid, to counts made by ImageCounts::deep, and shows its rows unless `state` is null. Throws
// std::bad_alloc before anything was counted, and OutOfRangeError where the tile may fail; then
// `counts` and `state` may hold a part.
void count_deep_pixels(const kernels::Tier& tier, const Tile& tile, ImageCounts& counts,
                       RowState* state);

}  // namespace lightmeter::measure
