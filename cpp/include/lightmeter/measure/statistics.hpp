#pragma once

#include "lightmeter/measure/image_meter.hpp"

namespace lightmeter::measure {

// Statistics of one image, all derived from its exact integer counts. A histogram without counts
// has no statistics: these functions then return NaN.

// Mean sample value, 0..255.
[[nodiscard]] double mean(const Histogram& histogram) noexcept;

// Population standard deviation of the sample values.
[[nodiscard]] double stddev(const Histogram& histogram) noexcept;

// Shannon entropy in bits of the concatenated channel histograms, as Pillow's Image.entropy():
// at most log2(256 * channels).
[[nodiscard]] double entropy(const ImageCounts& counts) noexcept;

// The direction of the mean hue vector, each pixel weighted by its chroma (max - min). The angle of
// hue H is 2 pi (H + 0.5) / 255; the result is back on the scale of H, in [0, 255). NaN for an
// image without chroma, whose hue is not defined.
[[nodiscard]] double circular_mean_hue(const ImageCounts& counts) noexcept;

// The length of that mean vector, 0 (hues cancel out) to 1 (one hue). NaN without chroma.
[[nodiscard]] double hue_concentration(const ImageCounts& counts) noexcept;

}  // namespace lightmeter::measure
