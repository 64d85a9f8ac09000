#pragma once

#include "measure/area.hpp"

namespace lightmeter::measure {

// Which areas of an image were measured.
class Coverage {
 public:
  using Areas = AreaMap<Area>;

  [[nodiscard]] bool overlaps(const Area& area) const noexcept {
    bool overlaps = false;
    areas_.for_each_in(area, [&](const Area&) { overlaps = true; });
    return overlaps;
  }

  // Adds an area that overlaps none.
  void add(Areas::Node node) noexcept {
    const Area area = node.mapped();
    pixels_ += area.pixels();
    bottom_ = std::max(bottom_, area.bottom());
    auto& map = areas_.map();
    if (map.size() == 1) {  // strips stay one area
      const Area first = map.begin()->second;
      if (first.x == area.x && first.width == area.width && first.bottom() == area.y) {
        node = map.extract(map.begin());
        node.mapped().height += area.height;
      }
    }
    areas_.add(std::move(node));
  }

  [[nodiscard]] const Areas& areas() const noexcept { return areas_; }
  // How many there are in all areas.
  [[nodiscard]] std::int64_t pixels() const noexcept { return pixels_; }
  // The first row below all areas.
  [[nodiscard]] std::int64_t bottom() const noexcept { return bottom_; }

 private:
  Areas areas_;
  std::int64_t pixels_ = 0, bottom_ = 0;
};

}  // namespace lightmeter::measure
