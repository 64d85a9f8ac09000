#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/colour.hpp"
#include "measure/luma_seams.hpp"
#include "measure/metric_kernels.hpp"
#include "measure/row_state.hpp"
#include "measure/tile.hpp"

namespace lightmeter::measure {

// What counting shows the pixels of a tile to where no metric looks at rows.
struct NoRows {
  static constexpr bool kLooks = false;
};

// Makes room for all that the metrics may keep of a tile.
inline void make_room(const Tile& tile, RowState& state) {
  state.reserve({tile.y, tile.y + tile.pixels.height});
  if ((state.active & kNeighbourMetrics) == 0) return;
  const std::size_t rows = (tile.top() ? 0 : 2) + (tile.bottom() ? 0 : 2);
  const std::size_t sides = (tile.left() ? 0 : 1) + (tile.right() ? 0 : 1);
  const std::size_t height = sides == 0 ? 0 : static_cast<std::size_t>(tile.pixels.height);
  state.seams.reserve(rows + sides * height,
                      rows * static_cast<std::size_t>(tile.pixels.width) + 4 * height);
}

// Three rows of n integers, each with one more at either end, from the begin of a cache line on.
template <class T>
class Ring {
 public:
  explicit Ring(std::size_t n) : lines_(n / kLine + 3), memory_(3 * lines_) {}

  [[nodiscard]] T* row(std::int64_t y) noexcept {
    return memory_[static_cast<std::size_t>(y % 3) * lines_].data() + kLine;
  }

 private:
  static constexpr std::size_t kLine = 64 / sizeof(T);
  struct alignas(64) Line : std::array<T, kLine> {};

  std::size_t lines_;
  std::vector<Line> memory_;
};

// Shows the rows of a tile to the metrics that look at them while its pixels are counted, from the
// first to the last. A ring holds the luma of three rows, each with one pixel more at either end.
template <class S>
class TileRows {
 public:
  static constexpr bool kLooks = true;

  TileRows(const kernels::Tier& tier, const Tile& tile, RowState& state)
      : tier_(tier),
        kernels_(row_kernels<S>(tier)),
        tile_(tile),
        width_(static_cast<std::size_t>(tile.pixels.width)),
        state_(state),
        sees_pixels_((state.active & kPixelMetrics) != 0),
        sees_neighbours_((state.active & kNeighbourMetrics) != 0),
        luma_(width_),
        wide_(width_),
        bend_(width_) {
    make_room(tile, state);
  }

  // Pixels of row y from column x on; both count within the tile. Those of gray have one pointer.
  void pixels(const S* red, const S* green, const S* blue, std::size_t n, std::int64_t x,
              std::int64_t y) noexcept {
    S* const luma = luma_.row(y) + x;
    if (red == green) {
      std::memcpy(luma, red, n * sizeof(S));
    } else if constexpr (std::is_same_v<S, std::uint8_t>) {
      tier_.luma(red, green, blue, n, luma);
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        luma[i] = static_cast<S>(kernels::luma_of(red[i], green[i], blue[i]));
      }
    }
    if (!sees_pixels_) return;
    kernels_.pixels(PixelRow<S>{red, green, blue, luma, n, tile_.x + x, tile_.y + y}, state_.active,
                    state_.metrics);
  }

  // All pixels of row y have come.
  void end_row(std::int64_t y) noexcept {
    if (!sees_neighbours_) return;
    S* const luma = luma_.row(y);
    luma[-1] = luma[std::min<std::size_t>(1, width_ - 1)];
    luma[width_] = luma[width_ - std::min<std::size_t>(2, width_)];
    kernels_.bend(luma, width_, wide_.row(y), bend_.row(y));
    keep_seams(y);
    if (y > 0) show_row(y - 1, y > 1 ? y - 2 : tile_.top() ? y : -1, y);
    if (y + 1 == tile_.pixels.height && tile_.bottom()) {
      show_row(y, y > 0 ? y - 1 : tile_.top() ? y : -1, y > 0 ? y - 1 : y);
    }
  }

 private:
  // Shows the pixels of row y that have all of their neighbours in the tile.
  void show_row(std::int64_t y, std::int64_t above, std::int64_t below) noexcept {
    if (above < 0) return;
    const std::int64_t first = tile_.left() ? 0 : 1;
    const std::int64_t last = tile_.pixels.width - (tile_.right() ? 0 : 1);
    if (first >= last) return;
    const auto show = [&](std::int64_t x, std::int64_t n) {
      const std::int64_t at_x = tile_.x + x, at_y = tile_.y + y;
      kernels_.neighbours(LumaRow<S>{line(above).from(x), line(y).from(x), line(below).from(x),
                                     static_cast<std::size_t>(n), at_x, at_y, at_x == 0,
                                     at_x + n == tile_.frame.width, at_y == 0,
                                     tile_.bottom() && y + 1 == tile_.pixels.height},
                          state_.active, state_.metrics);
    };
    if (tile_.mask == nullptr) {
      show(first, last - first);
    } else {
      for_each_run(tile_.mask->near(tile_.y + y) + tile_.x, first, last, show);
    }
  }

  void keep_seams(std::int64_t y) noexcept {
    const std::int64_t below = tile_.pixels.height - 1 - y;
    const bool left = !tile_.left(), right = !tile_.right();
    const bool edge = (y == 0 && !tile_.top()) || (below == 0 && !tile_.bottom());
    const auto keep = [&](std::size_t x, std::size_t n, LumaSeams::Waiting waiting) {
      state_.seams.keep(tile_.x + static_cast<std::int64_t>(x), tile_.y + y, luma_.row(y) + x, n,
                        waiting);
    };
    if ((y < 2 && !tile_.top()) || (below < 2 && !tile_.bottom()) ||
        (width_ <= 4 && (left || right))) {
      keep(0, width_, {edge, left, right});
      return;
    }
    if (left) keep(0, 2, {false, true, false});
    if (right) keep(width_ - 2, 2, {false, false, true});
  }

  [[nodiscard]] LumaLine<S> line(std::int64_t y) noexcept {
    return {luma_.row(y), wide_.row(y), bend_.row(y)};
  }

  const kernels::Tier& tier_;
  const RowKernels<S>& kernels_;
  const Tile& tile_;
  std::size_t width_;
  RowState& state_;
  bool sees_pixels_, sees_neighbours_;
  Ring<S> luma_;
  Ring<Difference<S>> wide_, bend_;
};

}  // namespace lightmeter::measure
