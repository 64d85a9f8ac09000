#pragma once

#include "kernels/kernels.hpp"
#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/pixels.hpp"

namespace lightmeter::measure {

// Adds the histograms of all pixels of the view; size and channel count of `counts` stay as they
// are. Throws std::bad_alloc, and OutOfRangeError for deep samples; then `counts` may hold a part.
void count_pixels(const kernels::Kernels& tier, const Pixels& pixels, ImageCounts& counts);

}  // namespace lightmeter::measure
