#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lightmeter::measure {

// Which pixels of an image are ignored, a bit each. A thread may ignore pixels while others read
// those elsewhere.
class Mask {
 public:
  // Of an image none of whose pixels is ignored yet.
  Mask(std::int64_t width, std::int64_t height);
  // Of samples of one byte each, which are not 0 where a pixel is ignored; the strides are in
  // bytes.
  Mask(const std::uint8_t* ignored, std::int64_t width, std::int64_t height,
       std::ptrdiff_t row_stride, std::ptrdiff_t pixel_stride);

  // Ignores pixels of a rectangle within the image, of which (x, y) is the first, likewise.
  void ignore(const std::uint8_t* ignored, std::int64_t x, std::int64_t y, std::int64_t width,
              std::int64_t height, std::ptrdiff_t row_stride, std::ptrdiff_t pixel_stride) noexcept;

  [[nodiscard]] std::int64_t width() const noexcept { return width_; }
  [[nodiscard]] std::int64_t height() const noexcept { return height_; }
  [[nodiscard]] bool ignores(std::int64_t x, std::int64_t y) const noexcept {
    return (row(y)[x >> 6] >> (x & 63) & 1) != 0;
  }
  // How many pixels are ignored.
  [[nodiscard]] std::int64_t count() const noexcept;

  // Calls use(x, n) for each run of pixels among columns first to last of a row that are not
  // ignored, or none of whose eight neighbours is either.
  template <class Use>
  void for_each_run(std::int64_t y, std::int64_t first, std::int64_t last, Use&& use) const {
    const std::uint64_t* const here = row(y);
    runs([here](std::int64_t i) { return load(here + i); }, first, last, use);
  }
  template <class Use>
  void for_each_clear_run(std::int64_t y, std::int64_t first, std::int64_t last, Use&& use) const {
    const std::uint64_t* const here = row(y);
    const std::uint64_t* const above = row(y == 0 ? y : y - 1);
    const std::uint64_t* const below = row(y + 1 == height_ ? y : y + 1);
    const auto column = [&](std::int64_t i) {
      return i < 0 || i == words_ ? std::uint64_t{0}
                                  : load(above + i) | load(here + i) | load(below + i);
    };
    const auto near = [&](std::int64_t i) {
      const std::uint64_t word = column(i);
      return word | word << 1 | word >> 1 | column(i - 1) >> 63 | column(i + 1) << 63;
    };
    runs(near, first, last, use);
  }
  friend bool operator==(const Mask&, const Mask&) = default;

 private:
  [[nodiscard]] const std::uint64_t* row(std::int64_t y) const noexcept {
    return bits_.data() + y * words_;
  }
  static std::uint64_t load(const std::uint64_t* word) noexcept {
    return __atomic_load_n(word, __ATOMIC_RELAXED);  // not every library has std::atomic_ref
  }

  template <class WordOf, class Use>
  static void runs(const WordOf& word_of, std::int64_t first, std::int64_t last, Use&& use) {
    // The first column from x on that is ignored, or is not.
    const auto next = [&](std::int64_t x, std::uint64_t flip) {
      std::uint64_t skipped = ~std::uint64_t{0} << (x & 63);
      for (; x < last; x = (x | 63) + 1, skipped = ~std::uint64_t{0}) {
        const std::uint64_t word = (word_of(x >> 6) ^ flip) & skipped;
        if (word != 0) return std::min(last, (x & ~std::int64_t{63}) + std::countr_zero(word));
      }
      return last;
    };
    for (std::int64_t x = first; x < last;) {
      const std::int64_t start = next(x, ~std::uint64_t{0});
      x = next(start, 0);
      if (start != x) use(start, x - start);
    }
  }

  std::int64_t width_, height_, words_;  // words of a row
  std::vector<std::uint64_t> bits_;
};

}  // namespace lightmeter::measure
