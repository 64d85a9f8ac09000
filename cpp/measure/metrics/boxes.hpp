#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// An image cut into kColumns x kRows boxes: how many pixels of each were counted, and the sum of their
// luma. The pixel (x, y) is in the box of column floor(kColumns x / width) and row
// floor(kRows y / height).
template <int kColumnsOfBoxes, int kRowsOfBoxes>
struct Boxes {
  static constexpr int kColumns = kColumnsOfBoxes, kRows = kRowsOfBoxes;
  static constexpr std::size_t kCount = std::size_t{kColumns} * kRows;

  // The part of a run of pixels that is in one box: `first` to `last` are columns of the image.
  struct Part {
    std::size_t box;
    std::int64_t first, last;
  };

  static constexpr bool kNeedsSize = true;

  Frame frame;
  std::array<std::uint64_t, kCount> counts{};
  std::array<std::uint64_t, kCount> luma{};

  // The first box of the row of boxes that y is in.
  [[nodiscard]] LIGHTMETER_INLINE std::size_t first_box(std::int64_t y) const noexcept {
    return static_cast<std::size_t>(y * kRows / frame.height * kColumns);
  }
  // The part in the box of a column; it has no pixels where the run does not reach the box.
  [[nodiscard]] LIGHTMETER_INLINE Part part(std::size_t first_box, int column, std::int64_t x,
                                            std::size_t n) const noexcept {
    const std::int64_t end = x + static_cast<std::int64_t>(n);
    return {first_box + static_cast<std::size_t>(column), std::clamp(edge(column), x, end),
            std::clamp(edge(column + 1), x, end)};
  }

  void start(const Frame& all, const Area&) noexcept { frame = all; }

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    const std::size_t first_box = this->first_box(row.y);
    for (int column = 0; column < kColumns; ++column) {
      const auto [box, first, last] = part(first_box, column, row.x, row.n);
      counts[box] += static_cast<std::uint64_t>(last - first);
      luma[box] += sum_of(row.luma + (first - row.x), static_cast<std::size_t>(last - first));
    }
  }

  static auto sums(auto& boxes) noexcept { return std::tie(boxes.counts, boxes.luma); }

 private:
  // The least x of which kColumns x >= column * width.
  [[nodiscard]] LIGHTMETER_INLINE std::int64_t edge(int column) const noexcept {
    return (column * frame.width + kColumns - 1) / kColumns;
  }
};

}  // namespace lightmeter::measure
