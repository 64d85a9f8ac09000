#pragma once

#include <cstdint>
#include <vector>

#include "measure/area.hpp"
#include "measure/metrics.hpp"
#include "measure/tile.hpp"

namespace lightmeter::measure {

// The luma of an area of an image, and of each pixel whether it is here and whether it waits for
// those around it.
struct LumaArea : Area {
  static constexpr std::uint32_t kHere = 1 << 16, kWaits = 1 << 17;

  std::vector<std::uint32_t> luma;
  bool waits = true;  // whether some do

  LumaArea() : Area() {}
  LumaArea(const Area& area, std::uint32_t pixel)
      : Area(area), luma(static_cast<std::size_t>(area.pixels()), pixel) {}

  // From a pixel on to the end of its row.
  [[nodiscard]] std::uint32_t* from(std::int64_t column, std::int64_t row) noexcept {
    return luma.data() + (row - y) * width + (column - x);
  }
  [[nodiscard]] const std::uint32_t* from(std::int64_t column, std::int64_t row) const noexcept {
    return luma.data() + (row - y) * width + (column - x);
  }
};

// The luma at the edges of tiles. A pixel is shown to the metrics once the eight around it have
// come, so tiles cannot be seen in what is counted. Waiting pixels are those of a tile's edge; the
// tile leaves two rows or columns at each edge that is not the image's.
class LumaSeams {
 public:
  LumaSeams() = default;
  // What a tile leaves, of which the luma is to be added.
  explicit LumaSeams(const Tile& tile);
  void add(LumaSeams other) noexcept;
  // Adds the luma of row y, which is there from column x on.
  template <class S>
  void add_luma(const S* luma, std::int64_t x, std::int64_t y) noexcept {
    for (auto& [place, edge] : edges_.map()) {
      if (y < edge.y || y >= edge.bottom()) continue;
      std::uint32_t* const kept = edge.from(edge.x, y);
      for (std::int64_t i = 0; i < edge.width; ++i) kept[i] |= luma[edge.x - x + i];
    }
  }

  [[nodiscard]] bool is_empty() const noexcept { return edges_.empty(); }
  // Whether so much came since they were last settled that settling is worth it.
  [[nodiscard]] bool is_due() const noexcept { return pixels_ > 2 * settled_ + kFew; }

  // Shows the pixels that wait for nothing any more to the metrics, and drops the luma that no
  // pixel waits for. A frame without a height has no lower border yet. If it throws, nothing was
  // shown.
  void settle(const Frame& frame, const Mask* mask, bool deep, Active active, Metrics& metrics);

 private:
  template <class S>
  void show(const Frame& frame, const Mask* mask, Active active, Metrics& metrics);
  void look(const Frame& frame, LumaArea& window) const noexcept;

  // Pixels, of 4 bytes each: settling looks at all of them, and most still wait.
  static constexpr std::size_t kFew = std::size_t{1} << 18;

  AreaMap<LumaArea> edges_;
  std::size_t pixels_ = 0, settled_ = 0;
};

}  // namespace lightmeter::measure
