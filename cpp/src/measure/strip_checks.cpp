#include "measure/strip_checks.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "lightmeter/error.hpp"

namespace lightmeter::measure {

void check_strip(const Pixels& strip) {
  const auto size = [](std::int64_t width, std::int64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
  };
  if (strip.channels != 1 && strip.channels != 3) {
    throw std::invalid_argument("got pixels with " + std::to_string(strip.channels) +
                                " channels; expected 1 (gray) or 3 (red, green, blue)");
  }
  if (strip.data == nullptr || strip.width <= 0 || strip.height <= 0) {
    throw std::invalid_argument("got an image of " + size(strip.width, strip.height) +
                                " pixels; expected at least one pixel");
  }
  if (is_deep(strip) && !(std::isfinite(strip.high - strip.low) && strip.low < strip.high)) {
    throw std::invalid_argument("got samples from " + std::to_string(strip.low) + " to " +
                                std::to_string(strip.high) + "; expected a range of numbers");
  }
}

void check_same_image(std::int64_t width, int channels, bool deep, const ImageCounts& counts) {
  if (counts.channels == 0 ||
      (channels == counts.channels && width == counts.width && deep == counts.is_deep())) {
    return;
  }
  const auto kind = [](std::int64_t pixels_wide, int colours, bool is_deep) {
    return std::to_string(pixels_wide) + " pixels wide with " + std::to_string(colours) +
           (is_deep ? " channels of more than 8 bits" : " channels of 8 bits");
  };
  throw IncompatibleError("got a strip " + kind(width, channels, deep) + " after strips " +
                          kind(counts.width, counts.channels, counts.is_deep()) +
                          "; the strips of one image have the same width, channels and depth");
}

void check_pixels(std::int64_t width, std::int64_t height, std::int64_t more) {
  if (more <= kMaxPixels / width - height) return;
  throw std::invalid_argument("got a strip of " + std::to_string(width) + " x " +
                              std::to_string(more) + " pixels below " + std::to_string(height) +
                              " rows; an image has fewer than 2^47 pixels");
}

}  // namespace lightmeter::measure
