#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lightmeter::measure {

// Which pixels of an image are ignored.
class Mask {
 public:
  // Of samples of one byte each, which are not 0 where a pixel is ignored; the strides are in
  // bytes.
  Mask(const std::uint8_t* ignored, std::int64_t width, std::int64_t height,
       std::ptrdiff_t row_stride, std::ptrdiff_t pixel_stride);

  [[nodiscard]] std::int64_t width() const noexcept { return width_; }
  [[nodiscard]] std::int64_t height() const noexcept { return height_; }

  // A row, with 1 for a pixel that is ignored.
  [[nodiscard]] const std::uint8_t* ignored(std::int64_t y) const noexcept {
    return ignored_.data() + y * width_;
  }
  // A row, with 1 for a pixel that is ignored or one of whose eight neighbours is.
  [[nodiscard]] const std::uint8_t* near(std::int64_t y) const noexcept {
    return near_.data() + y * width_;
  }
  friend bool operator==(const Mask&, const Mask&) = default;

 private:
  std::int64_t width_, height_;
  std::vector<std::uint8_t> ignored_, near_;
};

}  // namespace lightmeter::measure
