#pragma once

#include <array>
#include <cstddef>

namespace lightmeter::sketch {

// Numbers in somebody else's memory, in up to three dimensions of any stride (also zero or
// negative) and any alignment, read in index order, the last index fastest.
template <class T>
struct ArrayView {
  const std::byte* data = nullptr;
  std::array<std::size_t, 3> extent = {1, 1, 1};
  std::array<std::ptrdiff_t, 3> stride = {0, 0, sizeof(T)};  // bytes

  [[nodiscard]] std::size_t size() const noexcept { return extent[0] * extent[1] * extent[2]; }
};

}  // namespace lightmeter::sketch
