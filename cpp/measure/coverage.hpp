#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lightmeter::measure {

// Which parts of an image were measured.
class Coverage {
 public:
  struct Part {
    std::int64_t x, y, width, height;
  };

  [[nodiscard]] bool overlaps(const Part& part) const noexcept;
  // Adds a part that overlaps none, for which there must be room.
  void add(const Part& part) noexcept;
  // Makes room for so many more.
  void reserve(std::size_t more);

  [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }
  // How many there are in all parts.
  [[nodiscard]] std::int64_t pixels() const noexcept;
  // The first row below all parts.
  [[nodiscard]] std::int64_t bottom() const noexcept;

 private:
  std::vector<Part> parts_;  // what makes a rectangle together is one
};

}  // namespace lightmeter::measure
