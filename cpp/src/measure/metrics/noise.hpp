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
  Wide sum = 0;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    if (row.top || row.bottom) return;
    const auto first = static_cast<std::ptrdiff_t>(row.left);
    const auto end = static_cast<std::ptrdiff_t>(row.n) - static_cast<std::ptrdiff_t>(row.right);
    constexpr std::ptrdiff_t kChunk = 4096;  // 8 * 65535 * 4096 < 2^31
    for (std::ptrdiff_t start = first; start < end; start += kChunk) {
      const std::ptrdiff_t stop = end - start < kChunk ? end : start + kChunk;
      std::int32_t chunk_sum = 0;
      for (std::ptrdiff_t i = start; i < stop; ++i) {
        const auto ends = static_cast<Difference<S>>(row.above[i - 1] + row.above[i + 1] +
                                                     row.below[i - 1] + row.below[i + 1]);
        const auto sides = static_cast<Difference<S>>(row.above[i] + row.below[i] +
                                                      row.here[i - 1] + row.here[i + 1]);
        const auto curve = static_cast<Difference<S>>(ends - 2 * sides + 4 * row.here[i]);
        chunk_sum += curve < 0 ? -curve : curve;
      }
      sum += static_cast<std::uint32_t>(chunk_sum);
    }
    if (end > first) n += static_cast<std::uint64_t>(end - first);
  }

  void add(const Noise& other) noexcept {
    n += other.n;
    sum += other.sum;
  }

  void read(const ImageFacts& image, std::span<double> out) const noexcept {
    const double scale = std::sqrt(std::numbers::pi / 2) / 6 / image.step;
    out[0] = n == 0 ? kNan : scale * static_cast<double>(sum) / static_cast<double>(n);
  }

  friend bool operator==(const Noise&, const Noise&) = default;
};

}  // namespace lightmeter::measure
