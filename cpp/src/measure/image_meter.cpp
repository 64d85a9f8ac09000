#include "lightmeter/measure/image_meter.hpp"

#include <algorithm>
#include <future>
#include <system_error>
#include <utility>
#include <vector>

#include "measure/count_pixels.hpp"
#include "measure/strip_checks.hpp"

namespace lightmeter::measure {
namespace {

ImageCounts no_counts(const Pixels& strip) {
  return is_deep(strip) ? ImageCounts::deep(strip.channels) : ImageCounts();
}

// A thread costs some ten microseconds to start, and tables of its own to read out.
constexpr std::ptrdiff_t kMinPixelsPerThread = 1 << 18;

Pixels rows(const Pixels& view, std::ptrdiff_t first, std::ptrdiff_t last) {
  Pixels band = view;
  band.data += first * view.row_stride;
  band.height = last - first;
  return band;
}

ImageCounts count_band(const Pixels& band) {
  ImageCounts counts = no_counts(band);
  count_pixels(kernels::active(), band, counts);
  return counts;
}

// The calling thread counts the first band, and any band for which no thread can be started.
void count_bands(const Pixels& strip, std::ptrdiff_t bands, ImageCounts& counts) {
  std::vector<std::future<ImageCounts>> others;
  const auto band = [&](std::ptrdiff_t i) {
    return rows(strip, strip.height * i / bands, strip.height * (i + 1) / bands);
  };
  for (std::ptrdiff_t i = 1; i < bands; ++i) {
    try {
      others.push_back(std::async(std::launch::async, count_band, band(i)));
    } catch (const std::system_error&) {
      others.push_back(std::async(std::launch::deferred, count_band, band(i)));
    }
  }
  count_pixels(kernels::active(), band(0), counts);
  for (auto& other : others) counts.add(other.get());
}

}  // namespace

void ImageMeter::update(const Pixels& strip, int threads) {
  check_strip(strip);
  check_same_image(strip.width, strip.channels, is_deep(strip), counts_);
  check_pixels(strip.width, counts_.height, strip.height);
  // Counted in a copy, because a failure leaves counts_ as they were.
  ImageCounts counts = counts_.channels == 0 ? no_counts(strip) : counts_;
  const std::ptrdiff_t pixels = strip.width * strip.height;
  const std::ptrdiff_t bands = std::min<std::ptrdiff_t>(
      {threads, strip.height, std::max<std::ptrdiff_t>(pixels / kMinPixelsPerThread, 1)});
  count_bands(strip, std::max<std::ptrdiff_t>(bands, 1), counts);
  counts.width = strip.width;
  counts.height += strip.height;
  counts.channels = strip.channels;
  if (counts.channels == 1) {  // a colour of no hue and no saturation, whose value is the sample
    counts.value = counts.channel[0];
    counts.hue[0] = counts.saturation[0] = counts.pixels();
  }
  counts_ = std::move(counts);
}

void ImageMeter::append(const ImageMeter& below) {
  const ImageCounts other = below.counts_;  // `below` may be this meter
  if (other.channels == 0) return;
  check_same_image(other.width, other.channels, other.is_deep(), counts_);
  check_pixels(other.width, counts_.height, other.height);
  if (counts_.channels == 0) {
    counts_ = other;
    return;
  }
  counts_.add(other);
  counts_.height += other.height;
}

}  // namespace lightmeter::measure
