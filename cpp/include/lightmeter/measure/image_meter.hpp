#pragma once

#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/pixels.hpp"

namespace lightmeter::measure {

// Measures one image, whole or in horizontal strips from top to bottom.
class ImageMeter {
 public:
  // Counts the pixels of a strip in one pass. Up to `threads` threads each take a band of rows;
  // they start and join inside this call. Throws std::invalid_argument for a view that is empty,
  // has other than 1 or 3 channels or no range of samples, and for more than kMaxPixels in all;
  // IncompatibleError for a strip of another width, channel count or depth; OutOfRangeError. Then
  // the counts are what they were.
  void update(const Pixels& strip, int threads = 1);

  // Adds the counts of a strip that lies below and was measured elsewhere. Throws like update().
  void append(const ImageMeter& below);

  [[nodiscard]] const ImageCounts& counts() const noexcept { return counts_; }

 private:
  ImageCounts counts_;
};

}  // namespace lightmeter::measure
