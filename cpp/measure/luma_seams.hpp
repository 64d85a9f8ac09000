#pragma once

#include <cstdint>
#include <vector>

#include "measure/metric_kernels.hpp"
#include "measure/tile.hpp"

namespace lightmeter::measure {

// The luma at the edges of tiles, and which pixels there wait for pixels beside them. A pixel is
// shown to the metrics once the eight around it have come, so tiles cannot be seen in what is
// counted. Waiting pixels are those of a tile's edge; the tile leaves two rows or columns at each
// edge that is not the image's.
class LumaSeams {
 public:
  // Makes room for so much more.
  void reserve(std::size_t runs, std::size_t pixels);

  // Keeps n pixels of a row, of which all wait, or the first, or the last. No pixel is kept twice,
  // and there must be room.
  struct Waiting {
    bool all, first, last;
  };
  template <class S>
  void keep(std::int64_t x, std::int64_t y, const S* luma, std::size_t n, Waiting waiting) noexcept;

  // Adds those of other tiles of the same image. If it throws, nothing was added.
  void add(const LumaSeams& other);

  [[nodiscard]] bool is_empty() const noexcept { return runs_.empty(); }
  // Whether so much came since it was last settled that settling is worth it.
  [[nodiscard]] bool is_due() const noexcept { return luma_.size() > 2 * settled_ + kFew; }

  // Shows the pixels that wait for nothing any more to the metrics, and drops the luma that no
  // pixel waits for. A frame without a height has no lower border yet. If it throws, nothing was
  // shown.
  template <class S>
  void settle(const Frame& frame, const Mask* mask, const RowKernels<S>& rows, Active active,
              Metrics& metrics);

 private:
  struct Run {
    std::int64_t x, y;
    std::size_t n, at;  // pixels, from there on
  };
  template <class S>
  struct Row;
  template <class S>
  struct Around;

  [[nodiscard]] LumaSeams joined() const;
  template <class S>
  void look(std::int64_t x, std::int64_t y, std::size_t n, Row<S>& row) const noexcept;
  template <class S>
  void show(const Frame& frame, const Mask* mask, Around<S>& around, const RowKernels<S>& rows,
            Active active, Metrics& metrics) noexcept;
  template <class S>
  void move_waiting(Around<S>& around, LumaSeams& to) const noexcept;

  // Pixels, of 3 bytes each: settling looks at all of them, and most still wait.
  static constexpr std::size_t kFew = std::size_t{1} << 18;

  std::vector<Run> runs_;
  std::vector<std::uint16_t> luma_;
  std::vector<std::uint8_t> waits_;
  std::size_t settled_ = 0;
};

}  // namespace lightmeter::measure
