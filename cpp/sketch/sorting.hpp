#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

#include "kernels/tier.hpp"

namespace lightmeter::sketch {

template <class T>
const kernels::SortKernels<T>& sort_kernels() {
  if constexpr (std::is_same_v<T, float>) {
    return kernels::active().floats;
  } else {
    return kernels::active().doubles;
  }
}

// Values are finite and not -0.0.
inline void sort_into(float* values, float* sorted, std::size_t n) noexcept {
  sort_kernels<float>().sort(values, sorted, n);
}

// Values that came from float32 are sorted as such, in half the time.
inline void sort_into(double* values, double* sorted, std::size_t n) noexcept {
  constexpr std::size_t kMost = 1024;
  std::array<float, 2 * kMost> floats;
  bool same = n <= kMost;
  for (std::size_t i = 0; same && i < n; i += 16) {
    for (std::size_t j = i; j < i + 16; ++j) {
      floats[j] = static_cast<float>(values[j]);
      same &= static_cast<double>(floats[j]) == values[j];
    }
  }
  if (!same) return sort_kernels<double>().sort(values, sorted, n);
  sort_into(floats.data(), floats.data() + kMost, n);
  for (std::size_t i = 0; i < n; ++i) sorted[i] = static_cast<double>(floats[kMost + i]);
}

// Sorts any number of values in place. The kernels want a power of two; infinities fill it up.
template <class T>
void sort_values(std::span<T> values) {
  constexpr std::size_t kWorthAKernel = 64;
  if (values.size() < kWorthAKernel) {
    std::ranges::sort(values);
    return;
  }
  const std::size_t n = std::max(std::bit_ceil(values.size()), kernels::kLeastSort);
  const auto buffer = std::make_unique_for_overwrite<T[]>(2 * n);
  std::ranges::copy(values, buffer.get());
  std::fill(buffer.get() + values.size(), buffer.get() + n, std::numeric_limits<T>::infinity());
  sort_into(buffer.get(), buffer.get() + n, n);
  std::copy(buffer.get() + n, buffer.get() + n + values.size(), values.begin());
}

}  // namespace lightmeter::sketch
