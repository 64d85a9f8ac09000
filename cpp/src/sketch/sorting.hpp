#pragma once

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

#include "kernels/sort.hpp"

namespace lightmeter::sketch {

// The kernels by type. Values are finite and not -0.0.
template <class T>
void sort_into(T* values, T* sorted, std::size_t n) noexcept {
  const kernels::SortKernels& kernel = kernels::sort_kernels();
  if constexpr (std::is_same_v<T, float>) {
    kernel.sort_floats(values, sorted, n);
  } else {
    kernel.sort_doubles(values, sorted, n);
  }
}

template <class T>
bool scan_values(const T* values, T* copy, std::size_t n, T* least, T* greatest) noexcept {
  const kernels::SortKernels& kernel = kernels::sort_kernels();
  if constexpr (std::is_same_v<T, float>) {
    return kernel.scan_floats(values, copy, n, least, greatest);
  } else {
    return kernel.scan_doubles(values, copy, n, least, greatest);
  }
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
