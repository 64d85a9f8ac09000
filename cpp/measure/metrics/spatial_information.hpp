#pragma once

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// The spatial information of ITU-T P.910: the standard deviation of the Sobel magnitude of the
// luma, over all pixels but the outermost. In 8-bit steps, 0 to 722; undefined below 3 x 3. It does
// not show where the edges are; noise counts as information.
//
// Magnitudes are rounded to a grid of 1/1024 of a step (1/1028 for a deep image), so that their
// sums are integers. This changes the standard deviation by less than 1/1500, because a standard
// deviation changes by no more than the values do.
struct SpatialInformation {
  static constexpr Set kSet = Set::kAll;
  static constexpr std::array kNumbers{
      Number{"SpatialInformation", Scale::kSample, Group::kFocus,
             "the spatial information, the standard deviation of the edges' strength: higher is "
             "more detail"},
  };

  std::uint64_t n = 0;
  LongSum sum, squares;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    if (row.top || row.bottom) return;
    // Downwards, from the column before on.
    alignas(64) Difference<S> smooth[kChunk + 2];
    alignas(64) Difference<S> slope[kChunk + 2];
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk), count = end - start;
      const Difference<S>* const above = row.above.wide + start - 1;
      const Difference<S>* const here = row.here.wide + start - 1;
      const Difference<S>* const below = row.below.wide + start - 1;
      for (std::size_t i = 0; i < count + 2; ++i) {
        smooth[i] = static_cast<Difference<S>>(above[i] + 2 * here[i] + below[i]);
        slope[i] = static_cast<Difference<S>>(below[i] - above[i]);
      }
      // At the border, what is beyond is chosen so that the pixel gives 0: whole rows have no rest
      // that compilers do pixel by pixel.
      if (row.left && start == 0) {
        smooth[0] = smooth[2];
        slope[0] = static_cast<Difference<S>>(-2 * slope[1] - slope[2]);
      }
      if (row.right && end == row.n) {
        smooth[count + 1] = smooth[count - 1];
        slope[count + 1] = static_cast<Difference<S>>(-slope[count - 1] - 2 * slope[count]);
      }
      add_magnitudes<S>(smooth, slope, count);
    }
    const std::uint64_t outside = std::uint64_t{row.left} + std::uint64_t{row.right};
    if (row.n > outside) n += row.n - outside;
  }

  static auto sums(auto& metric) noexcept { return std::tie(metric.n, metric.sum, metric.squares); }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    const double grid = image.step > 1 ? kDeepGrid * image.step : kGrid;
    out[0] = std::sqrt(Spread::of(n, sum.value(), squares.value()).variance) / grid;
  }

 private:
  static constexpr std::int32_t kGrid = 1024, kDeepGrid = 4;
  static constexpr std::size_t kChunk = 1024;

  template <class S>
  LIGHTMETER_INLINE void add_magnitudes(const Difference<S>* smooth, const Difference<S>* slope,
                                        std::size_t count) noexcept {
    std::uint32_t square_sum = 0, grid_sum = 0;
    std::int32_t rest_sum = 0;
    std::int64_t deep_sum = 0, deep_square_sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto x = static_cast<Difference<S>>(smooth[i + 2] - smooth[i]);
      const auto y = static_cast<Difference<S>>(slope[i] + 2 * slope[i + 1] + slope[i + 2]);
      if constexpr (sizeof(S) == 1) {
        // x^2 + y^2 <= 2 * 1020^2 < 2^24 is a float. So is the magnitude m on the grid, m <= 1443
        // * 1024. m^2 takes 41 bits, but what it differs by from (x^2 + y^2) * 1024^2 is within
        // 2^21: computed modulo 2^32 it is exact, and so is the sum of 1024.
        const std::int32_t square = x * x + y * y;
        const auto magnitude =
            static_cast<std::int32_t>(std::sqrt(static_cast<float>(square)) * kGrid + 0.5F);
        const auto grid = static_cast<std::uint32_t>(magnitude);
        square_sum += static_cast<std::uint32_t>(square);
        grid_sum += grid;
        rest_sum += static_cast<std::int32_t>(grid * grid -
                                              (static_cast<std::uint32_t>(square) * kGrid * kGrid));
      } else {
        // Exact in double as well: x^2 + y^2 < 2^38, and m < 2^21.
        const double dx = x, dy = y;
        const auto grid = static_cast<std::int32_t>(std::sqrt(dx * dx + dy * dy) * kDeepGrid + 0.5);
        deep_sum += grid;
        deep_square_sum += std::int64_t{grid} * grid;
      }
    }
    if constexpr (sizeof(S) == 1) {
      sum.add(std::int64_t{grid_sum});
      squares.add(std::int64_t{square_sum} * kGrid * kGrid + rest_sum);
    } else {
      sum.add(deep_sum);
      squares.add(deep_square_sum);
    }
  }
};

}  // namespace lightmeter::measure
