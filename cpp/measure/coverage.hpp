#pragma once

#include <iterator>

#include "measure/area.hpp"

namespace lightmeter::measure {

// Which areas of an image were measured.
class Coverage : public AreaMap<Area> {
 public:
  Coverage() = default;
  explicit Coverage(const Area& area)
      : AreaMap(area), pixels_(area.pixels()), bottom_(area.bottom()) {}

  [[nodiscard]] bool overlaps(const Area& area) const noexcept {
    bool overlaps = false;
    for_each_in(area, [&](const Area&) { overlaps = true; });
    return overlaps;
  }

  // Adds areas that overlap none.
  void add(Coverage other) noexcept {
    pixels_ += other.pixels_;
    bottom_ = std::max(bottom_, other.bottom_);
    AreaMap::add(std::move(other));
    if (map_.size() != 2) return;
    Area& first = map_.begin()->second;
    const Area second = map_.rbegin()->second;
    if (first.x == second.x && first.width == second.width && first.bottom() == second.y) {
      first.height += second.height;  // strips stay one area
      tallest_ = first.height;
      map_.erase(std::prev(map_.end()));
    }
  }

  // How many there are in all areas.
  [[nodiscard]] std::int64_t pixels() const noexcept { return pixels_; }
  // The first row below all areas.
  [[nodiscard]] std::int64_t bottom() const noexcept { return bottom_; }

 private:
  std::int64_t pixels_ = 0, bottom_ = 0;
};

}  // namespace lightmeter::measure
