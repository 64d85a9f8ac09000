#include "measure/coverage.hpp"

#include <algorithm>

namespace lightmeter::measure {
namespace {

bool below(const Coverage::Part& a, const Coverage::Part& b) {
  return a.x == b.x && a.width == b.width && a.y + a.height == b.y;
}

bool beside(const Coverage::Part& a, const Coverage::Part& b) {
  return a.y == b.y && a.height == b.height && a.x + a.width == b.x;
}

}  // namespace

bool Coverage::overlaps(const Part& part) const noexcept {
  return std::ranges::any_of(parts_, [&](const Part& each) {
    return each.x < part.x + part.width && part.x < each.x + each.width &&
           each.y < part.y + part.height && part.y < each.y + each.height;
  });
}

void Coverage::reserve(std::size_t more) {
  const std::size_t parts = parts_.size() + more;
  if (parts > parts_.capacity()) parts_.reserve(std::max(parts, 2 * parts_.size()));
}

void Coverage::add(const Part& part) noexcept {
  Part grown = part;
  while (true) {
    const auto other = std::ranges::find_if(parts_, [&](const Part& each) {
      return below(each, grown) || below(grown, each) || beside(each, grown) || beside(grown, each);
    });
    if (other == parts_.end()) break;
    const std::int64_t right = std::max(grown.x + grown.width, other->x + other->width);
    const std::int64_t end = std::max(grown.y + grown.height, other->y + other->height);
    grown.x = std::min(grown.x, other->x);
    grown.y = std::min(grown.y, other->y);
    grown.width = right - grown.x;
    grown.height = end - grown.y;
    *other = parts_.back();
    parts_.pop_back();
  }
  parts_.push_back(grown);
}

std::int64_t Coverage::pixels() const noexcept {
  std::int64_t pixels = 0;
  for (const Part& part : parts_) pixels += part.width * part.height;
  return pixels;
}

std::int64_t Coverage::bottom() const noexcept {
  std::int64_t bottom = 0;
  for (const Part& part : parts_) bottom = std::max(bottom, part.y + part.height);
  return bottom;
}

}  // namespace lightmeter::measure
