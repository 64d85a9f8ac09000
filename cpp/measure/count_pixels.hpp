#pragma once

#include "kernels/tier.hpp"
#include "measure/colour_tables.hpp"
#include "measure/image_counts.hpp"
#include "measure/row_state.hpp"
#include "measure/tile.hpp"

namespace lightmeter::measure {

// Adds the histograms of all pixels of the tile that are not ignored, and shows its rows to the
// active metrics of `rows`. Size and channel count of `counts` stay as they are. Counts of colours
// may be left in `tables`, which stay the same object for one image, and of which about `pixels` in
// all are to be counted there. Throws std::bad_alloc before anything was counted, and OutOfRangeError
// where the tile may fail; then `rows` may hold a part.
void count_pixels(const kernels::Tier& tier, const Tile& tile, std::int64_t pixels,
                  ColourTables& tables, ImageCounts& counts, RowState& rows);

}  // namespace lightmeter::measure
