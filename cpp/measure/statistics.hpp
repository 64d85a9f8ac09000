#pragma once

#include <cstdint>
#include <span>

#include "measure/image_counts.hpp"

namespace lightmeter::measure {

// Statistics of one image, all derived from its exact integer counts and all on the scale of 8-bit
// samples, 0..255. A histogram without counts has no statistics: these functions then return NaN.

// What a step of the 8-bit scale is in bins of this histogram: 1, or 257 for 65 536 bins.
[[nodiscard]] std::uint64_t bins_per_step(std::span<const std::uint64_t> histogram) noexcept;

struct SampleStatistics {
  double mean;
  double stddev;          // of the population
  std::uint64_t sum = 0;  // of bins
};
[[nodiscard]] SampleStatistics sample_statistics(std::span<const std::uint64_t> histogram) noexcept;

// Shannon entropy in bits of the concatenated channel histograms, as Pillow's Image.entropy():
// at most log2(256 * channels). Of deep samples the upper 8 bits are taken.
[[nodiscard]] double entropy(const ImageCounts& counts) noexcept;

// The mean hue vector, each pixel weighted by its chroma (max - min). The angle of hue H is
// 2 pi (H + 0.5) / 255 (65535 for deep images). Both are NaN for an image without chroma, whose hue
// is not defined.
struct MeanHue {
  double mean;           // its direction, back on the scale of H, in [0, 255)
  double concentration;  // its length, 0 (hues cancel out) to 1 (one hue)
};
[[nodiscard]] MeanHue circular_hue(const ImageCounts& counts);

}  // namespace lightmeter::measure
