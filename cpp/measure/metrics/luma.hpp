#pragma once

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// Mean and population standard deviation of the luma, which is that of ITU-R BT.601 as rounded by
// Pillow's convert("L"). The standard deviation is the RMS contrast (Peli 1990). Ranges: 0 to 255
// and 0 to 127.5. These numbers do not show where in the image light and dark are.
struct Luma {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Luma.mean", Scale::kSample, Group::kLight, "the mean luma: higher is brighter"},
      Number{"Luma.stddev", Scale::kSample, Group::kLight,
             "the contrast, the standard deviation of the luma: higher is more contrast"},
  };

  std::uint64_t sum = 0;
  LongSum squares;

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    constexpr std::size_t kChunk = 32'768;  // 255^2 * 32 768 < 2^31
    const S* const luma = row.luma;
    const Term<S> term;
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk);
      ChunkSum<S> chunk_sum = 0, chunk_squares = 0;
      for (std::size_t i = start; i < end; ++i) {
        chunk_sum += term(luma[i]);
        const Difference<S> sample = term.wide(luma[i]);
        chunk_squares += ChunkSum<S>{sample} * sample;
      }
      sum += static_cast<std::uint64_t>(chunk_sum);
      squares.add(chunk_squares);
    }
  }

  static auto sums(auto& metric) noexcept { return std::tie(metric.sum, metric.squares); }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    const Spread luma = Spread::of(image.pixels, sum, squares.value());
    out[0] = luma.mean / image.step;
    out[1] = std::sqrt(luma.variance) / image.step;
  }
};

}  // namespace lightmeter::measure
