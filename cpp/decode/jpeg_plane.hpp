#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "decode/jpeg_kernels.hpp"

namespace lightmeter::decode {

// The samples of one component for a row of MCUs, below the last row of the row of MCUs before. Rows
// have room at both ends (kJpegRoom).
class JpegPlane {
 public:
  JpegPlane() = default;
  // Of `rows` rows of `width` samples, which are of that many with those that fill up MCUs.
  JpegPlane(std::size_t width, std::size_t filled, std::size_t rows)
      : stride_(filled + 2 * kJpegRoom), width_(width), samples_((rows + 1) * stride_) {}

  // Row -1 to rows - 1 of the row of MCUs.
  [[nodiscard]] std::uint8_t* row(std::ptrdiff_t y) noexcept {
    return samples_.data() + (y + 1) * stride() + kJpegRoom;
  }
  [[nodiscard]] std::ptrdiff_t stride() const noexcept {
    return static_cast<std::ptrdiff_t>(stride_);
  }
  // Makes the last row the one before the first.
  void keep_last() noexcept {
    std::memcpy(samples_.data(), samples_.data() + samples_.size() - stride_, stride_);
  }
  // Repeats the first and the last sample of each row beyond its ends.
  void extend() noexcept {
    for (auto* row = samples_.data() + stride_; row < samples_.data() + samples_.size();
         row += stride_) {
      row[kJpegRoom - 1] = row[kJpegRoom];
      row[kJpegRoom + width_] = row[kJpegRoom + width_ - 1];
    }
  }

 private:
  std::size_t stride_ = 0, width_ = 0;
  std::vector<std::uint8_t> samples_;
};

}  // namespace lightmeter::decode
