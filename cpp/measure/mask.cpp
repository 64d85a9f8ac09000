#include "measure/mask.hpp"

namespace lightmeter::measure {

Mask::Mask(std::int64_t width, std::int64_t height)
    : width_(width),
      height_(height),
      words_((width + 63) / 64),
      bits_(static_cast<std::size_t>(words_ * height)) {}

Mask::Mask(const std::uint8_t* ignored, std::int64_t width, std::int64_t height,
           std::ptrdiff_t row_stride, std::ptrdiff_t pixel_stride)
    : Mask(width, height) {
  ignore(ignored, 0, 0, width, height, row_stride, pixel_stride);
}

void Mask::ignore(const std::uint8_t* ignored, std::int64_t x, std::int64_t y, std::int64_t width,
                  std::int64_t height, std::ptrdiff_t row_stride,
                  std::ptrdiff_t pixel_stride) noexcept {
  for (std::int64_t j = 0; j < height; ++j) {
    std::uint64_t* const words = bits_.data() + (y + j) * words_;
    const std::uint8_t* pixel = ignored + j * row_stride;
    for (std::int64_t i = x; i < x + width; ++i, pixel += pixel_stride) {
      words[i >> 6] |= std::uint64_t{*pixel != 0} << (i & 63);
    }
  }
}

std::int64_t Mask::count() const noexcept {
  std::int64_t count = 0;
  for (const std::uint64_t word : bits_) count += std::popcount(word);
  return count;
}

}  // namespace lightmeter::measure
