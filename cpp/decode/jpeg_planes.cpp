#include "decode/jpeg_planes.hpp"

#include <cstring>

#include "decode/jpeg_kernels.hpp"

namespace lightmeter::decode {

JpegPlane::JpegPlane(std::size_t width, std::size_t filled, std::size_t rows)
    : samples_(new std::uint8_t[(rows + 1) * (filled + 2 * kJpegRoom)]()),
      stride_(static_cast<std::ptrdiff_t>(filled + 2 * kJpegRoom)),
      rows_(static_cast<std::ptrdiff_t>(rows)),
      width_(width) {}

std::uint8_t* JpegPlane::row(std::ptrdiff_t y) noexcept {
  return samples_.get() + (y + 1) * stride_ + kJpegRoom;
}

void JpegPlane::keep_last() noexcept {
  std::memcpy(samples_.get(), samples_.get() + rows_ * stride_, static_cast<std::size_t>(stride_));
}

void JpegPlane::extend() noexcept {
  for (std::ptrdiff_t y = 0; y < rows_; ++y) {
    std::uint8_t* const samples = row(y);
    samples[-1] = samples[0];
    samples[width_] = samples[width_ - 1];
  }
}

}  // namespace lightmeter::decode
