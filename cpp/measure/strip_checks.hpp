#pragma once

#include <cstdint>

#include "measure/coverage.hpp"
#include "measure/image_counts.hpp"
#include "measure/mask.hpp"
#include "measure/metric.hpp"
#include "pixels.hpp"

namespace lightmeter::measure {

// Whether a strip may be counted; see ImageMeter::update for what is thrown.

[[nodiscard]] inline bool is_deep(const Pixels& strip) { return strip.type != SampleType::kUint8; }

void check_strip(const Pixels& strip);
void check_same_image(std::int64_t width, int channels, bool deep, const ImageCounts& counts);
void check_size(const Frame& size, const Mask* mask);
// Whether a part lies in an image of this size, whose height is 0 if it is not known, and on no
// part that was measured.
void check_place(const Coverage::Part& part, const Frame& size, const Coverage& measured);

}  // namespace lightmeter::measure
