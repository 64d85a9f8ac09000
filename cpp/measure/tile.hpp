#pragma once

#include <algorithm>
#include <cstdint>

#include "measure/area.hpp"
#include "measure/mask.hpp"
#include "measure/metric.hpp"
#include "pixels.hpp"

namespace lightmeter::measure {

// A rectangle of an image whose samples are there.
struct Tile {
  Pixels pixels;
  std::int64_t x = 0, y = 0;  // of its first pixel
  Frame frame;                // the whole image
  const Mask* mask = nullptr;

  [[nodiscard]] bool is_deep() const noexcept { return pixels.type != SampleType::kUint8; }
  [[nodiscard]] Area area() const noexcept { return {x, y, pixels.width, pixels.height}; }
  // Whether it ends where the image does.
  [[nodiscard]] bool left() const noexcept { return x == 0; }
  [[nodiscard]] bool right() const noexcept { return x + pixels.width == frame.width; }
  [[nodiscard]] bool top() const noexcept { return y == 0; }
  [[nodiscard]] bool bottom() const noexcept {
    return frame.height != 0 && y + pixels.height == frame.height;
  }
};

// Calls use(x, n) for each run of zeros among columns first to last of a row, as of a mask.
template <class T, class Use>
void for_each_run(const T* row, std::int64_t first, std::int64_t last, Use&& use) {
  const T* const end = row + last;
  for (const T* at = row + first; at != end;) {
    const T* const start = std::find(at, end, T{0});
    at = std::find_if(start, end, [](T ignored) { return ignored != 0; });
    if (start != at) use(start - row, at - start);
  }
}

// Calls use(x, n) for each run of pixels in row y of the tile that are not ignored, in its columns.
template <class Use>
void for_each_run(const Tile& tile, std::int64_t y, Use&& use) {
  if (tile.mask == nullptr) {
    use(std::int64_t{0}, static_cast<std::int64_t>(tile.pixels.width));
    return;
  }
  const std::int64_t first = tile.x;
  tile.mask->for_each_run(tile.y + y, first, first + tile.pixels.width,
                          [&](std::int64_t x, std::int64_t n) { use(x - first, n); });
}

}  // namespace lightmeter::measure
