#pragma once

#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/pixels.hpp"

namespace lightmeter::measure {

// Adds the histograms of all pixels of a view of samples with more than 8 bits, put on the 16-bit
// grid, to counts made by ImageCounts::deep. Throws OutOfRangeError and std::bad_alloc, after which
// `counts` may hold a part.
void count_deep_pixels(const Pixels& view, ImageCounts& counts);

}  // namespace lightmeter::measure
