#pragma once

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// Percentages from 0 to 100:
// - pixels whose luma is at most 5, or at least 250: clipped, with a margin for noise;
// - samples of red, green and blue of at least 245, the glare of the article "Monitoring Image Data
//   with whylogs v1", but without alpha, which is not light;
// - pixels with red = green = blue. Saturation is 255 (max - min) / max rounded down, which is at
//   least 1 unless max = min, so these pixels are the first bin of its histogram.
// Thresholds are on the 8-bit scale. These numbers do not show where the pixels are, nor whether
// the scene itself is black or white there.
struct Exposure {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"dark_percent", Scale::kPercent, Group::kLight,
             "the share of nearly black pixels: higher is more underexposed"},
      Number{"bright_percent", Scale::kPercent, Group::kLight,
             "the share of nearly white pixels: higher is more overexposed"},
      Number{"glare_percent", Scale::kPercent, Group::kLight,
             "the share of red, green and blue values from 245 to 255: higher is more glare"},
      Number{"gray_percent", Scale::kPercent, Group::kColour,
             "the share of pixels without colour: higher is grayer, 100 is a gray image"},
  };
  static constexpr int kDark = 5, kBright = 250, kGlare = 245;

  std::uint64_t dark = 0, bright = 0;

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    constexpr int kStep = sizeof(S) == 1 ? 1 : 257;
    constexpr std::size_t kChunk = std::size_t{1} << 30;
    const S* const luma = row.luma;
    const Term<std::uint8_t> term;
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t end = chunk_end(start, row.n, kChunk);
      std::int32_t chunk_dark = 0, chunk_bright = 0;
      for (std::size_t i = start; i < end; ++i) {
        const std::uint8_t is_dark = luma[i] <= kDark * kStep;
        const std::uint8_t is_bright = luma[i] >= kBright * kStep;
        chunk_dark += term(is_dark);
        chunk_bright += term(is_bright);
      }
      dark += static_cast<std::uint32_t>(chunk_dark);
      bright += static_cast<std::uint32_t>(chunk_bright);
    }
  }

  static auto sums(auto& metric) noexcept { return std::tie(metric.dark, metric.bright); }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    const ImageCounts& counts = image.counts;
    const bool gray = counts.channels == 1;
    std::uint64_t glare = 0;
    for (std::size_t channel = 0; channel < (gray ? 1 : 3); ++channel) {
      const Histogram& histogram = counts.channel[channel];
      const auto first = static_cast<std::size_t>(kGlare * image.step);
      for (std::size_t i = first; i < histogram.size(); ++i) glare += histogram[i];
    }
    const double pixels = static_cast<double>(image.pixels);
    out[0] = 100 * static_cast<double>(dark) / pixels;
    out[1] = 100 * static_cast<double>(bright) / pixels;
    out[2] = 100 * static_cast<double>(glare) / (pixels * (gray ? 1 : 3));
    out[3] = 100 * static_cast<double>(counts.saturation[0]) / pixels;
  }
};

}  // namespace lightmeter::measure
