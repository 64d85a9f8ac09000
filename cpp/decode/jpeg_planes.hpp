#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace lightmeter::decode {

// The samples of one component for a row of MCUs, below the last row of the row of MCUs before. Rows
// have room at both ends (kJpegRoom).
class JpegPlane {
 public:
  JpegPlane() = default;
  // Of `rows` rows of `width` samples, which are of that many with those that fill up MCUs.
  JpegPlane(std::size_t width, std::size_t filled, std::size_t rows);

  // Row -1 to rows - 1 of the row of MCUs.
  [[nodiscard]] std::uint8_t* row(std::ptrdiff_t y) noexcept;
  [[nodiscard]] std::ptrdiff_t stride() const noexcept { return stride_; }
  // Makes the last row the one before the first.
  void keep_last() noexcept;
  // Repeats the first and the last sample of each row beyond its ends.
  void extend() noexcept;

 private:
  std::unique_ptr<std::uint8_t[]> samples_;
  std::ptrdiff_t stride_ = 0;
  std::ptrdiff_t rows_ = 0;
  std::size_t width_ = 0;
};

}  // namespace lightmeter::decode
