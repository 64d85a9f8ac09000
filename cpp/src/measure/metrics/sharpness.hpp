#pragma once

#include <cmath>

#include "measure/metric.hpp"

namespace lightmeter::measure {

// The variance of the Laplacian of the luma (Pech-Pacheco et al. 2000).
struct Sharpness {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Sharpness", Role::kPlain, Scale::kSquares, Group::kFocus, false,
             "the sharpness: the variance of the Laplacian, higher is sharper"},
  };

  std::uint64_t n = 0;
  std::int64_t sum = 0;
  Wide squares = 0;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    std::int64_t row_sum = 0, row_squares = 0;
    for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(row.n); ++i) {
      const std::int32_t laplacian = row.above[i] + row.below[i] + row.here[i - 1] +
                                     row.here[i + 1] - 4 * std::int32_t{row.here[i]};
      row_sum += laplacian;
      row_squares += std::int64_t{laplacian} * laplacian;
    }
    n += row.n;
    sum += row_sum;
    squares += static_cast<std::uint64_t>(row_squares);
  }

  void add(const Sharpness& other) noexcept {
    n += other.n;
    sum += other.sum;
    squares += other.squares;
  }

  void read(const ImageFacts& image, std::span<double> out) const noexcept {
    if (n == 0) {
      out[0] = kNan;
      return;
    }
    const double count = static_cast<double>(n) * image.step;
    const SignedWide total = sum;
    const Wide spread = Wide{n} * squares - static_cast<Wide>(total * total);
    out[0] = static_cast<double>(spread) / (count * count);
  }
};

}  // namespace lightmeter::measure
