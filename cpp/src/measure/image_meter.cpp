#include "lightmeter/measure/image_meter.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "lightmeter/error.hpp"
#include "measure/count_pixels.hpp"

namespace lightmeter::measure {
namespace {

bool is_deep(const Pixels& strip) { return strip.type != SampleType::kUint8; }

ImageCounts no_counts(const Pixels& strip) {
  return is_deep(strip) ? ImageCounts::deep(strip.channels) : ImageCounts();
}

// A thread costs some ten microseconds to start, and tables of its own to read out.
constexpr std::ptrdiff_t kMinPixelsPerThread = 1 << 18;

void check(const Pixels& strip) {
  const auto size = [](std::int64_t width, std::int64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
  };
  if (strip.channels != 1 && strip.channels != 3) {
    throw std::invalid_argument("got pixels with " + std::to_string(strip.channels) +
                                " channels; expected 1 (gray) or 3 (red, green, blue)");
  }
  if (strip.data == nullptr || strip.width <= 0 || strip.height <= 0) {
    throw std::invalid_argument("got an image of " + size(strip.width, strip.height) +
                                " pixels; expected at least one pixel");
  }
  if (is_deep(strip) && !(std::isfinite(strip.high - strip.low) && strip.low < strip.high)) {
    throw std::invalid_argument("got samples from " + std::to_string(strip.low) + " to " +
                                std::to_string(strip.high) + "; expected a range of numbers");
  }
}

void check_same_image(std::int64_t width, int channels, bool deep, const ImageCounts& counts) {
  if (counts.channels == 0 ||
      (channels == counts.channels && width == counts.width && deep == counts.is_deep())) {
    return;
  }
  const auto strip = [](std::int64_t pixels, int bands, bool bits) {
    return std::to_string(pixels) + " pixels wide with " + std::to_string(bands) +
           (bits ? " channels of more than 8 bits" : " channels of 8 bits");
  };
  throw IncompatibleError("got a strip " + strip(width, channels, deep) + " after strips " +
                          strip(counts.width, counts.channels, counts.is_deep()) +
                          "; the strips of one image have the same width, channels and depth");
}

void check_pixels(std::int64_t width, std::int64_t height, std::int64_t more) {
  if (more <= kMaxPixels / width - height) return;
  throw std::invalid_argument("got a strip of " + std::to_string(width) + " x " +
                              std::to_string(more) + " pixels below " + std::to_string(height) +
                              " rows; an image has fewer than 2^47 pixels");
}

Pixels rows(const Pixels& view, std::ptrdiff_t first, std::ptrdiff_t last) {
  Pixels band = view;
  band.data += first * view.row_stride;
  band.height = last - first;
  return band;
}

void add(ImageCounts& counts, const ImageCounts& other) {
  const auto add_to = [](Histogram& to, const Histogram& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  for (std::size_t c = 0; c < counts.channel.size(); ++c) {
    add_to(counts.channel[c], other.channel[c]);
  }
  add_to(counts.hue, other.hue);
  add_to(counts.saturation, other.saturation);
  add_to(counts.value, other.value);
  add_to(counts.hue_chroma, other.hue_chroma);
}

ImageCounts count_band(const Pixels& band) {
  ImageCounts counts = no_counts(band);
  count_pixels(kernels::kernels(), band, counts);
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
  count_pixels(kernels::kernels(), band(0), counts);
  for (auto& other : others) add(counts, other.get());
}

}  // namespace

ImageCounts::ImageCounts() {
  for (Histogram* histogram :
       {&channel[0], &channel[1], &channel[2], &hue, &saturation, &value, &hue_chroma}) {
    histogram->resize(kBins);
  }
}

ImageCounts ImageCounts::deep(int channels) {
  ImageCounts counts;
  const bool gray = channels == 1;
  counts.channel[0].resize(kDeepBins);
  counts.channel[1].resize(gray ? 0 : kDeepBins);
  counts.channel[2].resize(gray ? 0 : kDeepBins);
  counts.value.resize(kDeepBins);
  if (!gray) {
    for (Histogram* histogram : {&counts.hue, &counts.saturation, &counts.hue_chroma}) {
      histogram->resize(kDeepBins);
    }
  }
  return counts;
}

void ImageMeter::update(const Pixels& strip, int threads) {
  check(strip);
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
  add(counts_, other);
  counts_.height += other.height;
}

}  // namespace lightmeter::measure
