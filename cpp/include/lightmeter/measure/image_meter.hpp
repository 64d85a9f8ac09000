#pragma once

#include <array>
#include <cstdint>

#include "lightmeter/pixels.hpp"

namespace lightmeter::measure {

// How many pixels have each of the 256 sample values.
using Histogram = std::array<std::uint64_t, 256>;

// The exact counts of one image; every statistic of it follows from these integers, so that no
// result depends on the kernel tier, the number of threads or how the image was cut into strips.
struct ImageCounts {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 0;                    // 1 or 3; 0 before the first strip
  std::array<Histogram, 3> channel{};  // red, green, blue; a gray image fills [0] only
  Histogram hue{};                     // Pillow's 8-bit HSV: hue 0..254 on a 255-step circle
  Histogram saturation{};
  Histogram value{};
  Histogram hue_chroma{};  // sum of max - min over the pixels of each hue

  [[nodiscard]] std::uint64_t pixels() const noexcept {
    return static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  }
  friend bool operator==(const ImageCounts&, const ImageCounts&) = default;
};

// Measures one image, whole or in horizontal strips from top to bottom.
class ImageMeter {
 public:
  // Counts the pixels of a strip in one pass. Up to `threads` threads each take a band of rows;
  // they start and join inside this call. Throws std::invalid_argument for a view that is empty or
  // has other than 1 or 3 channels, IncompatibleError for a strip of another width or channel
  // count.
  void update(const Pixels& strip, int threads = 1);

  // Adds the counts of a strip that lies below and was measured elsewhere. Throws like update().
  void append(const ImageMeter& below);

  [[nodiscard]] const ImageCounts& counts() const noexcept { return counts_; }

 private:
  ImageCounts counts_;
};

}  // namespace lightmeter::measure
