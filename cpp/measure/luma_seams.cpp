#include "measure/luma_seams.hpp"

#include <algorithm>
#include <utility>

#include "measure/neighbour_rows.hpp"

namespace lightmeter::measure {
namespace {

constexpr std::uint32_t kHere = LumaArea::kHere, kWaits = LumaArea::kWaits;

void wait(LumaArea& edge, const Area& line) noexcept {
  const Area waiting = edge.shared(line);
  for (std::int64_t y = waiting.y; y < waiting.bottom(); ++y) {
    std::uint32_t* const pixels = edge.from(waiting.x, y);
    for (std::int64_t i = 0; i < waiting.width; ++i) pixels[i] |= kWaits;
  }
}

}  // namespace

LumaSeams::LumaSeams(const Tile& tile) {
  const auto [x, y, width, height] = tile.area();
  const std::int64_t top = tile.top() ? y : std::min(y + 2, y + height);
  const std::int64_t bottom = tile.bottom() ? y + height : std::max(top, y + height - 2);
  const std::int64_t left = tile.left() ? x : std::min(x + 2, x + width);
  const std::int64_t right = tile.right() ? x + width : std::max(left, x + width - 2);
  for (const Area& area :
       {Area{x, y, width, top - y}, Area{x, bottom, width, y + height - bottom},
        Area{x, top, left - x, bottom - top}, Area{right, top, x + width - right, bottom - top}}) {
    if (area.pixels() == 0) continue;
    LumaArea edge(area, kHere);
    if (!tile.top()) wait(edge, {x, y, width, 1});
    if (!tile.bottom()) wait(edge, {x, y + height - 1, width, 1});
    if (!tile.left()) wait(edge, {x, y, 1, height});
    if (!tile.right()) wait(edge, {x + width - 1, y, 1, height});
    pixels_ += edge.luma.size();
    edges_.add(AreaMap(std::move(edge)));
  }
}

void LumaSeams::add(LumaSeams other) noexcept {
  pixels_ += other.pixels_;
  edges_.add(std::move(other.edges_));
}

// Fills a window with what is there of its area. What is beyond the border of the image mirrors it,
// without the border itself.
void LumaSeams::look(const Frame& frame, LumaArea& window) const noexcept {
  const auto [x, y, width, height] = Area(window);
  std::fill_n(window.luma.begin(), window.pixels(), 0);
  edges_.for_each_in(window, [&](const LumaArea& edge) {
    const Area both = edge.shared(window);
    for (std::int64_t row = both.y; row < both.bottom(); ++row) {
      std::copy_n(edge.from(both.x, row), both.width, window.from(both.x, row));
    }
  });
  const auto second = [](std::int64_t side) { return side == 1 ? 0 : 1; };
  const auto last_but_one = [](std::int64_t side) { return std::max<std::int64_t>(side - 2, 0); };
  if (y < 0) std::copy_n(window.from(x, second(frame.height)), width, window.from(x, y));
  if (y + height == frame.height + 1) {
    std::copy_n(window.from(x, last_but_one(frame.height)), width, window.from(x, frame.height));
  }
  for (std::int64_t row = y; row < y + height; ++row) {
    if (x < 0) *window.from(x, row) = *window.from(second(frame.width), row);
    if (x + width == frame.width + 1) {
      *window.from(frame.width, row) = *window.from(last_but_one(frame.width), row);
    }
  }
}

template <class S>
void LumaSeams::show(const Frame& frame, const Mask* mask, Active active, Metrics& metrics) {
  std::int64_t most = 0, widest = 0;
  for (const auto& [place, edge] : edges_.map()) {
    most = std::max(most, edge.grown().pixels());
    widest = std::max(widest, edge.grown().width);
  }
  LumaArea window({0, 0, most, 1}, 0);
  std::vector<std::uint32_t> blocked(static_cast<std::size_t>(widest));  // but where it is 0
  NeighbourRows<S> rows(row_kernels<S>(kernels::active()), frame, mask, active, metrics,
                        blocked.size());

  for (auto& [place, edge] : edges_.map()) {
    if (!edge.waits) continue;
    static_cast<Area&>(window) = edge.grown();
    look(frame, window);
    rows.start(edge.x, edge.width);
    for (std::int64_t y = window.y; y < window.bottom(); ++y) {
      const std::uint32_t* const below = window.from(window.x, y);
      S* const luma = rows.row(y) - 1;
      for (std::int64_t i = 0; i < window.width; ++i) luma[i] = static_cast<S>(below[i]);
      rows.end_row(y);
      if (y <= edge.y) continue;
      const std::uint32_t* const here = below - window.width;
      const std::uint32_t* const above = here - window.width;
      std::uint32_t* const blocks = blocked.data();
      for (std::int64_t i = 0; i < window.width; ++i) blocks[i] = above[i] & here[i] & below[i];
      std::uint32_t all_blocked = kHere;
      for (std::int64_t i = 0; i < edge.width; ++i) {
        const std::uint32_t waits = here[i + 1] >> 1;
        blocks[i] = ~(blocks[i] & blocks[i + 1] & blocks[i + 2] & waits) & kHere;
        all_blocked &= blocks[i];
      }
      if (all_blocked != 0) continue;
      for_each_run(blocks, 0, edge.width, [&](std::int64_t first, std::int64_t n) {
        std::uint32_t* const shown = edge.from(edge.x + first, y - 1);
        for (std::int64_t i = 0; i < n; ++i) shown[i] &= ~kWaits;
        rows.show(y - 1, y - 2, y, edge.x + first, edge.x + first + n);
      });
    }
    std::uint32_t any = 0;
    for (const std::uint32_t pixel : edge.luma) any |= pixel;
    edge.waits = (any & kWaits) != 0;
  }
}

void LumaSeams::settle(const Frame& frame, const Mask* mask, bool deep, Active active,
                       Metrics& metrics) {
  static_assert(kWaits >> 1 == kHere);
  if (is_empty()) return;
  if (deep) {
    show<std::uint16_t>(frame, mask, active, metrics);
  } else {
    show<std::uint8_t>(frame, mask, active, metrics);
  }
  std::erase_if(edges_.map(), [&](const auto& entry) {
    bool waits = entry.second.waits;
    edges_.for_each_in(entry.second.grown(), [&](const LumaArea& edge) { waits |= edge.waits; });
    if (!waits) pixels_ -= entry.second.luma.size();
    return !waits;
  });
  settled_ = pixels_;
}

}  // namespace lightmeter::measure
