#pragma once

#include <numbers>

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// The standard deviation of white Gaussian noise (Immerkaer 1996): sqrt(pi / 2) / (6 n) times the
// sum of |Y * [1 -2 1; -2 4 -2; 1 -2 1]| over the n pixels inside of the border. In 8-bit steps,
// from 0 on; not defined below 3 x 3. The mask is blind to planes and edges, but fine texture
// counts as noise, and noise that was smoothed over several pixels (by JPEG, by a demosaic) hides.
struct Noise {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Noise", Role::kPlain, Scale::kSample, Group::kNoise, false,
             "the noise, as the standard deviation of a luma sample: higher is noisier"},
  };

  std::uint64_t n = 0;
  LongSum sum;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    if (row.top || row.bottom) return;
    constexpr std::size_t kChunk = 1024;
    const auto one = unknown(Difference<S>{1});
    alignas(64) Difference<S> columns[kChunk + 2];  // [1 -2 1] downwards, from the column before on
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk), count = end - start;
      const S* const above = row.above + start - 1;
      const S* const here = row.here + start - 1;
      const S* const below = row.below + start - 1;
      for (std::size_t i = 0; i < count + 2; ++i) {
        columns[i] = static_cast<Difference<S>>(above[i] - 2 * here[i] + below[i]);
      }
      // At the border, what is beyond is chosen so that the pixel gives 0: whole rows have no rest
      // that compilers do pixel by pixel.
      if (row.left && start == 0) {
        columns[0] = static_cast<Difference<S>>(2 * columns[1] - columns[2]);
      }
      if (row.right && end == row.n) {
        columns[count + 1] = static_cast<Difference<S>>(2 * columns[count] - columns[count - 1]);
      }
      ChunkSum<S> chunk_sum = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const auto curve =
            static_cast<Difference<S>>(columns[i] - 2 * columns[i + 1] + columns[i + 2]);
        const auto size = static_cast<Difference<S>>(curve < 0 ? -curve : curve);
        chunk_sum += ChunkSum<S>{size} * one;
      }
      sum.add(chunk_sum);
    }
    const std::uint64_t outside = std::uint64_t{row.left} + std::uint64_t{row.right};
    if (row.n > outside) n += row.n - outside;
  }

  void add(const Noise& other) noexcept {
    n += other.n;
    sum.add(other.sum);
  }

  void read(const ImageFacts& image, std::span<double> out) const noexcept {
    const double scale = std::sqrt(std::numbers::pi / 2) / 6 / image.step;
    out[0] = n == 0 ? kNan : scale * static_cast<double>(sum.value()) / static_cast<double>(n);
  }

  friend bool operator==(const Noise&, const Noise&) = default;
};

}  // namespace lightmeter::measure
