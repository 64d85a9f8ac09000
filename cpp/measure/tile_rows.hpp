#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/colour.hpp"
#include "measure/neighbour_rows.hpp"
#include "measure/row_state.hpp"

namespace lightmeter::measure {

// Shows the rows of a tile to the metrics that look at them while its pixels are counted, from the
// first to the last. Nothing fails once it is made.
template <class S>
class TileRows {
 public:
  TileRows(const kernels::Tier& tier, const Tile& tile, RowState& state)
      : tier_(tier),
        rows_(row_kernels<S>(tier)),
        tile_(tile),
        width_(static_cast<std::size_t>(tile.pixels.width)),
        state_(state),
        sees_pixels_((state.active & kPixelMetrics) != 0),
        sees_neighbours_((state.active & kNeighbourMetrics) != 0),
        luma_(rows_, tile.frame, tile.mask, state.active, state.metrics, width_) {
    luma_.start(tile.x, tile.pixels.width);
    if (sees_neighbours_) edges_ = LumaSeams(tile);
  }

  // Pixels of row y from column x on; both count within the tile. Those of gray have one pointer.
  void pixels(const S* red, const S* green, const S* blue, std::size_t n, std::int64_t x,
              std::int64_t y) noexcept {
    S* const luma = luma_.row(tile_.y + y) + x;
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
    rows_.pixels(PixelRow<S>{red, green, blue, luma, n, tile_.x + x, tile_.y + y}, state_.active,
                 state_.metrics);
  }

  // All pixels of row y have come. Shows those that have all of their neighbours in the tile.
  void end_row(std::int64_t y) noexcept {
    if (!sees_neighbours_) return;
    const std::int64_t row = tile_.y + y;
    S* const luma = luma_.row(row);
    luma[-1] = luma[std::min<std::size_t>(1, width_ - 1)];
    luma[width_] = luma[width_ - std::min<std::size_t>(2, width_)];
    luma_.end_row(row);
    const bool is_top = y == 0, starts_image = tile_.top();
    if (y > 1 || (y == 1 && starts_image)) show(row - 1, y > 1 ? row - 2 : row, row);
    if (y + 1 == tile_.pixels.height) {
      const std::int64_t mirrored = is_top ? row : row - 1;
      if (tile_.bottom() && (!is_top || starts_image)) show(row, mirrored, mirrored);
    }
    edges_.add_luma(luma, tile_.x, row);
    if (y + 1 == tile_.pixels.height) state_.seams.add(std::move(edges_));
  }

 private:
  void show(std::int64_t y, std::int64_t above, std::int64_t below) noexcept {
    luma_.show(y, above, below, tile_.x + (tile_.left() ? 0 : 1),
               tile_.area().right() - (tile_.right() ? 0 : 1));
  }

  const kernels::Tier& tier_;
  const RowKernels<S>& rows_;
  const Tile& tile_;
  std::size_t width_;
  RowState& state_;
  bool sees_pixels_, sees_neighbours_;
  NeighbourRows<S> luma_;
  LumaSeams edges_;
};

}  // namespace lightmeter::measure
