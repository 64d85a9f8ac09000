#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

namespace lightmeter::measure {

// A rectangle of pixels of an image.
struct Area {
  std::int64_t x, y, width, height;

  [[nodiscard]] std::int64_t right() const noexcept { return x + width; }
  [[nodiscard]] std::int64_t bottom() const noexcept { return y + height; }
  [[nodiscard]] std::int64_t pixels() const noexcept { return width * height; }

  // With the pixels around it.
  [[nodiscard]] Area grown() const noexcept { return {x - 1, y - 1, width + 2, height + 2}; }
  // What both have; without pixels if nothing.
  [[nodiscard]] Area shared(const Area& other) const noexcept {
    const std::int64_t left = std::max(x, other.x), top = std::max(y, other.y);
    const std::int64_t columns = std::min(right(), other.right()) - left;
    const std::int64_t rows = std::min(bottom(), other.bottom()) - top;
    return columns <= 0 || rows <= 0 ? Area{left, top, 0, 0} : Area{left, top, columns, rows};
  }
};

// Areas that do not overlap, each with what T adds to one. Making a map of one area allocates memory;
// adding a map to another does not, so that it cannot fail.
template <class T>
class AreaMap {
  using Map = std::map<std::pair<std::int64_t, std::int64_t>, T>;  // by y and x

 public:
  AreaMap() = default;
  explicit AreaMap(T area) : tallest_(area.height), widest_(area.width) {
    map_.emplace(std::pair(area.y, area.x), std::move(area));
  }
  void add(AreaMap other) noexcept {
    tallest_ = std::max(tallest_, other.tallest_);
    widest_ = std::max(widest_, other.widest_);
    map_.merge(other.map_);
  }

  [[nodiscard]] bool empty() const noexcept { return map_.empty(); }
  [[nodiscard]] Map& map() noexcept { return map_; }
  [[nodiscard]] const Map& map() const noexcept { return map_; }

  // Calls use(T) for each that has pixels in an area. Others are skipped by rows and, in a row, by
  // columns: none is larger than the largest.
  template <class Use>
  void for_each_in(const Area& area, Use&& use) const {
    const std::int64_t left = area.x - widest_;
    auto entry = map_.upper_bound({area.y - tallest_ + 1, left});
    while (entry != map_.end() && entry->second.y < area.bottom()) {
      const T& found = entry->second;
      if (found.x >= area.right()) {
        entry = map_.upper_bound({found.y + 1, left});
      } else if (found.x <= left) {
        entry = map_.upper_bound({found.y, left});
      } else {
        if (found.shared(area).pixels() > 0) use(found);
        ++entry;
      }
    }
  }

 protected:
  Map map_;
  std::int64_t tallest_ = 0, widest_ = 0;
};

}  // namespace lightmeter::measure
