#pragma once

#include <array>
#include <vector>

#include "measure/metric_kernels.hpp"
#include "measure/tile.hpp"

namespace lightmeter::measure {

// Three rows of n integers, each with one more at either end, from the begin of a cache line on.
template <class T>
class Ring {
 public:
  explicit Ring(std::size_t n) : lines_(n / kLine + 3), memory_(3 * lines_) {}

  [[nodiscard]] T* row(std::int64_t y) noexcept {
    return memory_[static_cast<std::size_t>((y + 3) % 3) * lines_].data() + kLine;
  }

 private:
  static constexpr std::size_t kLine = 64 / sizeof(T);
  struct alignas(64) Line : std::array<T, kLine> {};

  std::size_t lines_;
  std::vector<Line> memory_;
};

// Shows rows of luma to the metrics that look at neighbours. Three rows are there, each with one
// pixel more at either end; rows and columns are those of the image, and beyond its border -1 and
// the next.
template <class S>
class NeighbourRows {
 public:
  // Of at most n columns.
  NeighbourRows(const RowKernels<S>& rows, const Frame& frame, const Mask* mask, Active active,
                Metrics& metrics, std::size_t n)
      : rows_(rows),
        frame_(frame),
        mask_(mask),
        active_(active),
        metrics_(metrics),
        luma_(n),
        wide_(n),
        bend_(n) {}

  // Goes on with n columns from x on.
  void start(std::int64_t x, std::int64_t n) noexcept { x_ = x, n_ = static_cast<std::size_t>(n); }

  // The luma of a row from its first column on, to be filled before end_row.
  [[nodiscard]] S* row(std::int64_t y) noexcept { return luma_.row(y); }
  void end_row(std::int64_t y) noexcept { rows_.bend(row(y), n_, wide_.row(y), bend_.row(y)); }

  // Shows columns `first` to `last` of row y between two others, without pixels that are near to
  // ignored ones.
  void show(std::int64_t y, std::int64_t above, std::int64_t below, std::int64_t first,
            std::int64_t last) noexcept {
    const auto show_run = [&](std::int64_t x, std::int64_t n) {
      rows_.neighbours(
          LumaRow<S>{from(above, x), from(y, x), from(below, x), static_cast<std::size_t>(n), x, y,
                     x == 0, x + n == frame_.width, y == 0, y + 1 == frame_.height},
          active_, metrics_);
    };
    if (first >= last) return;
    if (mask_ == nullptr) {
      show_run(first, last - first);
    } else {
      mask_->for_each_clear_run(y, first, last, show_run);
    }
  }

 private:
  [[nodiscard]] LumaLine<S> from(std::int64_t y, std::int64_t x) noexcept {
    return LumaLine<S>{luma_.row(y), wide_.row(y), bend_.row(y)}.from(x - x_);
  }

  const RowKernels<S>& rows_;
  const Frame& frame_;
  const Mask* mask_;
  Active active_;
  Metrics& metrics_;
  std::int64_t x_ = 0;
  std::size_t n_ = 0;
  Ring<S> luma_;
  Ring<Difference<S>> wide_, bend_;
};

}  // namespace lightmeter::measure
