#include "measure/mask.hpp"

#include <algorithm>

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
    const std::uint8_t* const row = ignored + j * row_stride;
    for (std::int64_t i = x; i < x + width;) {
      std::uint64_t& word = bits_[static_cast<std::size_t>((y + j) * words_ + (i >> 6))];
      const std::int64_t end = std::min(x + width, (i | 63) + 1);
      std::uint64_t bits = 0;
      for (; i < end; ++i) bits |= std::uint64_t{row[(i - x) * pixel_stride] != 0} << (i & 63);
      __atomic_fetch_or(&word, bits, __ATOMIC_RELAXED);
    }
  }
}

std::int64_t Mask::count() const noexcept {
  std::int64_t count = 0;
  for (const std::uint64_t word : bits_) count += std::popcount(word);
  return count;
}

}  // namespace lightmeter::measure
