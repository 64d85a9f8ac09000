#include "measure/statistics.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>

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

// The sum of the unit vectors of all hues, each as long as its pixels have chroma.
struct HueVector {
  double x = 0, y = 0;
  std::uint64_t chroma = 0;
};

template <std::size_t kHues>
struct UnitVectors {
  std::array<double, kHues> x, y;

  UnitVectors() noexcept {
    constexpr double kCircle = kHues;
    for (std::size_t hue = 0; hue < kHues; ++hue) {
      const double angle = 2 * std::numbers::pi * (static_cast<double>(hue) + 0.5) / kCircle;
      x[hue] = std::cos(angle);
      y[hue] = std::sin(angle);
    }
  }
};

// Made at the first call and kept. Without a lock, which a fork could leave locked: of several
// threads that make them at once, the first to publish wins.
template <std::size_t kHues>
const UnitVectors<kHues>& unit_vectors() {
  static std::atomic<const UnitVectors<kHues>*> kept = nullptr;
  const UnitVectors<kHues>* unit = kept.load(std::memory_order_acquire);
  if (unit != nullptr) return *unit;
  auto fresh = std::make_unique<const UnitVectors<kHues>>();
  if (!kept.compare_exchange_strong(unit, fresh.get(), std::memory_order_acq_rel)) return *unit;
  return *fresh.release();
}

template <std::size_t kHues>
HueVector hue_vector(const Histogram& hue_chroma) {
  const UnitVectors<kHues>& unit = unit_vectors<kHues>();
  HueVector v;
  for (std::size_t hue = 0; hue < kHues; ++hue) {
    const double weight = static_cast<double>(hue_chroma[hue]);
    v.x += weight * unit.x[hue];
    v.y += weight * unit.y[hue];
    v.chroma += hue_chroma[hue];
  }
  return v;
}

HueVector hue_vector(const ImageCounts& counts) {
  const bool deep = counts.hue_chroma.size() == kDeepBins;
  return deep ? hue_vector<kDeepBins - 1>(counts.hue_chroma)
              : hue_vector<kBins - 1>(counts.hue_chroma);
}

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
          std::sqrt(scaled) / static_cast<double>(s.n)};
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
  const HueVector v = hue_vector(counts);
  if (v.chroma == 0) return {kNan, kNan};
  const double turns = std::atan2(v.y, v.x) / (2 * std::numbers::pi);
  // Pictures of one colour have one hue, whatever their size: no last bit of a rounding tells.
  const auto rounded = [](double value) { return std::nearbyint(value * 0x1p40) * 0x1p-40 + 0.0; };
  double hue = rounded(255 * turns - 0.5 / static_cast<double>(bins_per_step(counts.hue_chroma)));
  if (hue < 0) hue += 255;
  // Not std::hypot, whose last bit depends on the library; nothing overflows here.
  const double length = std::sqrt(v.x * v.x + v.y * v.y);
  return {hue, rounded(length / static_cast<double>(v.chroma))};
}

}  // namespace lightmeter::measure
