#pragma once

#include <numbers>

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// The standard deviation of white Gaussian noise (Immerkaer 1996): sqrt(pi / 2) / (6 n) times the
// sum of |Y * [1 -2 1; -2 4 -2; 1 -2 1]| over the n pixels that are not outermost. In 8-bit steps;
// undefined below 3 x 3. Plain areas and straight edges do not count. Fine texture counts as noise,
// and noise that was smoothed over several pixels, by JPEG or by demosaicing, does not.
struct Noise {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Noise", Scale::kSample, Group::kNoise,
             "the standard deviation of the white noise in the luma: higher is noisier"},
  };

  std::uint64_t n = 0;
  LongSum sum;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    if (row.top || row.bottom) return;
    constexpr std::size_t kChunk = 1'000'000;  // 8 * 255 * 1 000 000 < 2^31
    const Term<Difference<S>> term;
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk);
      ChunkSum<S> chunk_sum = 0;
      for (std::size_t i = start; i < end; ++i) chunk_sum += term(size(row, i));
      sum.add(chunk_sum);
    }
    // Taken back rather than left out: whole rows have no rest that is done pixel by pixel.
    if (row.left) sum.add(-std::int64_t{size(row, 0)});
    if (row.right && !(row.left && row.n == 1)) sum.add(-std::int64_t{size(row, row.n - 1)});
    const std::uint64_t outside = std::uint64_t{row.left} + std::uint64_t{row.right};
    if (row.n > outside) n += row.n - outside;
  }

  static auto sums(auto& metric) noexcept { return std::tie(metric.n, metric.sum); }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    const double scale = std::sqrt(std::numbers::pi / 2) / 6 / image.step;
    out[0] = n == 0 ? kNan : scale * static_cast<double>(sum.value()) / static_cast<double>(n);
  }

 private:
  template <class S>
  [[nodiscard]] LIGHTMETER_INLINE static Difference<S> size(const LumaRow<S>& row,
                                                            std::size_t i) noexcept {
    const auto curve =
        static_cast<Difference<S>>(row.above.bend[i] - 2 * row.here.bend[i] + row.below.bend[i]);
    return static_cast<Difference<S>>(curve < 0 ? -curve : curve);
  }
};

}  // namespace lightmeter::measure
