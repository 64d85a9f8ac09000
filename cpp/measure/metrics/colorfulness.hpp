#pragma once

#include "measure/metrics/sums.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {

// sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2), the colourfulness of Hasler and Suesstrunk
// (2003): s and m are the standard deviation and the mean of rg = R - G and yb = (R + G) / 2 - B.
// In steps of an 8-bit sample: 0 for a gray image. Their viewers called 15 slightly, 59 quite and
// 109 extremely colourful. Colourfulness does not show where colours are; colour noise counts as
// colour.
struct Colorfulness {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Colorfulness", Scale::kSample, Group::kColour,
             "the colourfulness of Hasler and Suesstrunk: higher is more colourful"},
  };

  // Of rg and of twice yb, which is an integer. Their sums follow from the histograms.
  LongSum rg_squares, yb2_squares;

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    constexpr std::size_t kChunk = 8192;  // (2 * 255)^2 * 8192 < 2^31
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk);
      ChunkSum<S> rg_chunk = 0, yb2_chunk = 0;
      for (std::size_t i = start; i < end; ++i) {
        const Difference<S> red = row.red[i], green = row.green[i], blue = row.blue[i];
        const auto rg = static_cast<Difference<S>>(red - green);
        const auto yb2 = static_cast<Difference<S>>(red + green - 2 * blue);
        rg_chunk += ChunkSum<S>{rg} * rg;
        yb2_chunk += ChunkSum<S>{yb2} * yb2;
      }
      rg_squares.add(rg_chunk);
      yb2_squares.add(yb2_chunk);
    }
  }

  static auto sums(auto& metric) noexcept {
    return std::tie(metric.rg_squares, metric.yb2_squares);
  }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    std::array<SignedWide, 3> sums{};
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const bool gray = image.counts.channels == 1;
      const Histogram& histogram = image.counts.channel[gray ? 0 : channel];
      sums[channel] = static_cast<SignedWide>(sample_statistics(histogram).sum);
    }
    const Spread rg = Spread::of(image.pixels, sums[0] - sums[1], rg_squares.value());
    const Spread yb2 =
        Spread::of(image.pixels, sums[0] + sums[1] - 2 * sums[2], yb2_squares.value());
    const double deviation = std::sqrt(rg.variance + yb2.variance / 4);
    const double mean = std::sqrt(rg.mean * rg.mean + yb2.mean * yb2.mean / 4);
    out[0] = (deviation + 0.3 * mean) / image.step;
  }
};

}  // namespace lightmeter::measure
