#include "measure/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "kernels/hue.hpp"
#include "nan.hpp"

namespace lightmeter::measure {
namespace {

__extension__ using Wide = unsigned __int128;

// Exact for any image: with fewer than 2^47 pixels even n * square_sum stays below 2^126.
struct Sums {
  std::uint64_t n = 0, sum = 0;
  Wide square_sum = 0;
};

Sums sums(std::span<const std::uint64_t> histogram) noexcept {
  Sums s;
  // Of 256 bins, the squares of 2^47 samples below 2^8 fit into 64 bits.
  for (std::uint64_t start = 0; start < histogram.size(); start += kBins) {
    const auto bins = histogram.subspan(start, std::min(kBins, histogram.size() - start));
    std::uint64_t n = 0, sum = 0, square_sum = 0;
    for (std::uint64_t i = 0; i < bins.size(); ++i) {
      n += bins[i];
      sum += bins[i] * i;
      square_sum += bins[i] * i * i;
    }
    s.n += n;
    s.sum += sum + n * start;
    s.square_sum += square_sum + 2 * start * Wide{sum} + Wide{n} * (start * start);
  }
  return s;
}

struct Vector {
  double x = 0, y = 0;
};

Vector unit_vector(std::size_t bin, std::size_t bins) noexcept {
  const double angle = kernels::bin_angle(bin, bins);
  return {std::cos(angle), std::sin(angle)};
}

// Those of 8 bits are made when the library is loaded: most pictures have all of them.
constexpr std::size_t kHues = kBins - 1;
const auto kUnitVectors = [] {
  std::array<Vector, kHues> unit;
  for (std::size_t hue = 0; hue < kHues; ++hue) unit[hue] = unit_vector(hue, kHues);
  return unit;
}();

}  // namespace

std::uint64_t bins_per_step(std::span<const std::uint64_t> histogram) noexcept {
  return histogram.size() == kDeepBins ? 257 : 1;
}

// The scale is divided out in integers where it divides them: an 8-bit image times 257 has
// the statistics of the 8-bit image to the last bit.
SampleStatistics sample_statistics(std::span<const std::uint64_t> histogram) noexcept {
  const Sums s = sums(histogram);
  if (s.n == 0) return {kNan, kNan};
  const std::uint64_t step = bins_per_step(histogram), square = step * step;
  // n^2 times the variance is an integer, so that nothing cancels before the first rounding.
  const Wide spread = Wide{s.n} * s.square_sum - Wide{s.sum} * s.sum;
  const double scaled = static_cast<double>(spread / square) +
                        static_cast<double>(spread % square) / static_cast<double>(square);
  return {static_cast<double>(s.sum) / static_cast<double>(step * s.n),
          std::sqrt(scaled) / static_cast<double>(s.n), s.sum};
}

double entropy(const ImageCounts& counts) noexcept {
  const auto channels = std::span(counts.channel).first(static_cast<std::size_t>(counts.channels));
  std::uint64_t samples = 0;
  for (const Histogram& histogram : channels) {
    samples = std::accumulate(histogram.begin(), histogram.end(), samples);
  }
  if (samples == 0) return kNan;
  double bits = 0;
  for (const Histogram& histogram : channels) {
    const std::size_t width = histogram.size() / kBins;
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const auto first = histogram.begin() + static_cast<std::ptrdiff_t>(bin * width);
      const auto count =
          std::accumulate(first, first + static_cast<std::ptrdiff_t>(width), std::uint64_t{0});
      if (count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(samples);
      bits -= share * std::log2(share);
    }
  }
  return bits;
}

MeanHue circular_hue(const ImageCounts& counts) {
  const std::size_t hues = counts.hue_chroma.size() - 1;
  Vector sum;
  std::uint64_t chroma = 0;
  for (std::size_t hue = 0; hue < hues; ++hue) {
    if (counts.hue_chroma[hue] == 0) continue;
    const Vector unit = hues == kHues ? kUnitVectors[hue] : unit_vector(hue, hues);
    const double weight = static_cast<double>(counts.hue_chroma[hue]);
    sum.x += weight * unit.x;
    sum.y += weight * unit.y;
    chroma += counts.hue_chroma[hue];
  }
  if (chroma == 0) return {kNan, kNan};
  const double turns = std::atan2(sum.y, sum.x) / (2 * std::numbers::pi);
  // Pictures of one colour have one hue, whatever their size: no last bit of a rounding tells.
  const auto rounded = [](double value) { return std::nearbyint(value * 0x1p40) * 0x1p-40 + 0.0; };
  double mean = rounded(kernels::kHueSteps * turns -
                        0.5 / static_cast<double>(bins_per_step(counts.hue_chroma)));
  if (mean < 0) mean += kernels::kHueSteps;
  // Not std::hypot, whose last bit depends on the library; nothing overflows here.
  const double length = std::sqrt(sum.x * sum.x + sum.y * sum.y);
  return {mean, rounded(length / static_cast<double>(chroma))};
}

}  // namespace lightmeter::measure
