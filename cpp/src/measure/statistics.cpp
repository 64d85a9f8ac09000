#include "lightmeter/measure/statistics.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace lightmeter::measure {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
__extension__ using Wide = unsigned __int128;

// Exact for any image: with fewer than 2^47 pixels even n * square_sum stays below 2^110.
struct Sums {
  std::uint64_t n = 0, sum = 0, square_sum = 0;
};

Sums sums(const Histogram& histogram) noexcept {
  Sums s;
  for (std::uint64_t i = 0; i < histogram.size(); ++i) {
    s.n += histogram[i];
    s.sum += histogram[i] * i;
    s.square_sum += histogram[i] * i * i;
  }
  return s;
}

// The sum of the unit vectors of all hues, each as long as its pixels have chroma.
struct HueVector {
  double x = 0, y = 0;
  std::uint64_t chroma = 0;
};

struct UnitVectors {
  std::array<double, 255> x, y;

  UnitVectors() noexcept {
    for (std::size_t hue = 0; hue < x.size(); ++hue) {
      const double angle = 2 * std::numbers::pi * (static_cast<double>(hue) + 0.5) / 255;
      x[hue] = std::cos(angle);
      y[hue] = std::sin(angle);
    }
  }
};

HueVector hue_vector(const ImageCounts& counts) noexcept {
  static const UnitVectors unit;
  HueVector v;
  for (std::size_t hue = 0; hue < unit.x.size(); ++hue) {
    const double weight = static_cast<double>(counts.hue_chroma[hue]);
    v.x += weight * unit.x[hue];
    v.y += weight * unit.y[hue];
    v.chroma += counts.hue_chroma[hue];
  }
  return v;
}

}  // namespace

double mean(const Histogram& histogram) noexcept {
  const Sums s = sums(histogram);
  return s.n == 0 ? kNaN : static_cast<double>(s.sum) / static_cast<double>(s.n);
}

double stddev(const Histogram& histogram) noexcept {
  const Sums s = sums(histogram);
  if (s.n == 0) return kNaN;
  // n^2 times the variance is an integer, so that nothing cancels before the first rounding.
  const Wide spread = Wide{s.n} * s.square_sum - Wide{s.sum} * s.sum;
  return std::sqrt(static_cast<double>(spread)) / static_cast<double>(s.n);
}

double entropy(const ImageCounts& counts) noexcept {
  const std::uint64_t samples = counts.pixels() * static_cast<std::uint64_t>(counts.channels);
  if (samples == 0) return kNaN;
  double bits = 0;
  for (int channel = 0; channel < counts.channels; ++channel) {
    for (const std::uint64_t count : counts.channel[static_cast<std::size_t>(channel)]) {
      if (count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(samples);
      bits -= share * std::log2(share);
    }
  }
  return bits;
}

double circular_mean_hue(const ImageCounts& counts) noexcept {
  const HueVector v = hue_vector(counts);
  if (v.chroma == 0) return kNaN;
  const double turns = std::atan2(v.y, v.x) / (2 * std::numbers::pi);
  double hue = 255 * turns - 0.5;
  if (hue < 0) hue += 255;
  return hue < 255 ? hue : 0;  // a tiny negative angle rounds up to the full circle
}

double hue_concentration(const ImageCounts& counts) noexcept {
  const HueVector v = hue_vector(counts);
  return v.chroma == 0 ? kNaN : std::hypot(v.x, v.y) / static_cast<double>(v.chroma);
}

}  // namespace lightmeter::measure
