#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace lightmeter::sketch {

template <class T>
void sort_values(std::span<T> values) {
  std::ranges::sort(values);
}

// Copies n values with -0.0 made 0.0, and finds their extrema. False if one is not finite.
template <class T>
bool scan_values(const T* values, T* copy, std::size_t n, T& least, T& greatest) {
  bool finite = true;
  least = greatest = values[0];
  for (std::size_t i = 0; i < n; ++i) {
    copy[i] = values[i] + T{0};
    finite &= std::isfinite(values[i]);
    least = std::min(least, copy[i]);
    greatest = std::max(greatest, copy[i]);
  }
  return finite;
}

}  // namespace lightmeter::sketch
