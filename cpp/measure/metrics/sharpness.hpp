#pragma once

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// The variance of the Laplacian [0 1 0; 1 -4 1; 0 1 0] of the luma (Pech-Pacheco et al. 2000; LAPV
// of Pertuz et al. 2013), in squares of 8-bit steps. Beyond the border the image is mirrored as by
// OpenCV's BORDER_REFLECT_101. Noise and JPEG blocks count as sharp, and a plain scene as blurred,
// so compare images of similar scenes only.
struct Sharpness {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Sharpness", Scale::kSquares, Group::kFocus,
             "the sharpness, the variance of the Laplacian: higher is sharper; light raises it"},
  };

  std::uint64_t n = 0;
  LongSum sum, squares;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    constexpr std::size_t kChunk = 2048;  // (4 * 255)^2 * 2048 < 2^31
    const Term<Difference<S>> term;
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk);
      ChunkSum<S> chunk_sum = 0, chunk_squares = 0;
      for (std::size_t i = start; i < end; ++i) {
        const Difference<S> laplacian = row.laplacian(i);
        chunk_sum += term(laplacian);
        chunk_squares += ChunkSum<S>{laplacian} * laplacian;
      }
      sum.add(chunk_sum);
      squares.add(chunk_squares);
    }
    n += row.n;
  }

  static auto sums(auto& metric) noexcept { return std::tie(metric.n, metric.sum, metric.squares); }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    out[0] = Spread::of(n, sum.value(), squares.value()).variance / (image.step * image.step);
  }
};

}  // namespace lightmeter::measure
