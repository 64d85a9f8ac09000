#include "measure/mask.hpp"

#include <algorithm>

namespace lightmeter::measure {

Mask::Mask(const std::uint8_t* ignored, std::int64_t width, std::int64_t height,
           std::ptrdiff_t row_stride, std::ptrdiff_t pixel_stride)
    : width_(width), height_(height) {
  ignored_.resize(static_cast<std::size_t>(width * height));
  near_.resize(ignored_.size());
  for (std::int64_t y = 0; y < height; ++y) {
    std::uint8_t* to = ignored_.data() + y * width;
    for (std::int64_t x = 0; x < width; ++x) {
      to[x] = ignored[y * row_stride + x * pixel_stride] != 0;
    }
  }
  std::vector<std::uint8_t> column(static_cast<std::size_t>(width) + 2);  // of three rows
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint8_t* above = this->ignored(std::max<std::int64_t>(y - 1, 0));
    const std::uint8_t* here = this->ignored(y);
    const std::uint8_t* below = this->ignored(std::min(y + 1, height - 1));
    for (std::int64_t x = 0; x < width; ++x) {
      column[static_cast<std::size_t>(x) + 1] = above[x] | here[x] | below[x];
    }
    std::uint8_t* to = near_.data() + y * width;
    for (std::size_t x = 0; x < static_cast<std::size_t>(width); ++x) {
      to[x] = column[x] | column[x + 1] | column[x + 2];
    }
  }
}

}  // namespace lightmeter::measure
