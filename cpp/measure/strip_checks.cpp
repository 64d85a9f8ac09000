#include "measure/strip_checks.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "error.hpp"

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

void check_size(const Frame& size, const Mask* mask) {
  const std::string got = std::to_string(size.width) + " x " + std::to_string(size.height);
  if (size.width <= 0 || size.height <= 0 || size.height > kMaxPixels / size.width) {
    throw std::invalid_argument("got an image of " + got +
                                " pixels; expected at least one pixel and fewer than 2^47");
  }
  if (mask != nullptr && (mask->width() != size.width || mask->height() != size.height)) {
    throw std::invalid_argument("got a mask of " + std::to_string(mask->width()) + " x " +
                                std::to_string(mask->height()) + " pixels for an image of " + got +
                                "; expected the same size");
  }
}

void check_place(const Coverage::Part& part, const Frame& size, const Coverage& measured) {
  const auto text = [](std::int64_t width, std::int64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
  };
  const std::string got = "got a tile of " + text(part.width, part.height) + " pixels at (" +
                          std::to_string(part.x) + ", " + std::to_string(part.y) + ")";
  if (size.height == 0) {
    if (part.x != 0)
      throw std::invalid_argument(got + " of an image of unknown size; say its size");
    if (part.y < 0) throw std::invalid_argument(got + "; expected one from row 0 on");
    if (part.height > kMaxPixels / part.width - part.y) {
      throw std::invalid_argument(got + "; an image has fewer than 2^47 pixels");
    }
  } else if (part.x < 0 || part.y < 0 || part.x > size.width - part.width ||
             part.y > size.height - part.height) {
    throw IncompatibleError(got + "; expected one within the image of " +
                            text(size.width, size.height));
  }
  if (measured.overlaps(part)) {
    throw IncompatibleError(got +
                            ", of which a part was measured before; expected every pixel "
                            "once");
  }
}

}  // namespace lightmeter::measure
