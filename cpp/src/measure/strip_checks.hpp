#pragma once

#include <cstdint>

#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/pixels.hpp"

namespace lightmeter::measure {

// Whether a strip may be counted; see ImageMeter::update for what is thrown.

[[nodiscard]] inline bool is_deep(const Pixels& strip) { return strip.type != SampleType::kUint8; }

void check_strip(const Pixels& strip);
void check_same_image(std::int64_t width, int channels, bool deep, const ImageCounts& counts);
// `more` rows below `height` ones.
void check_pixels(std::int64_t width, std::int64_t height, std::int64_t more);

}  // namespace lightmeter::measure
