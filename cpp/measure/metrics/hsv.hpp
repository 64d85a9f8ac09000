#pragma once

#include "measure/metric.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {

// Mean and population standard deviation of Pillow's HSV: six numbers that whylogs has, too.
struct Hsv {
  static constexpr Set kSet = Set::kWhylogs;
  static constexpr std::array kNumbers{
      Number{"Hue.mean", Scale::kSample, Group::kColour,
             "the mean hue, as though 0 and 254 lay far apart", Role::kLinearAngle},
      Number{"Hue.stddev", Scale::kSample, Group::kColour,
             "the standard deviation of the hue, as though 0 and 254 lay far apart",
             Role::kAngleSpread},
      Number{"Saturation.mean", Scale::kSample, Group::kColour, "the mean saturation"},
      Number{"Saturation.stddev", Scale::kSample, Group::kColour,
             "the standard deviation of the saturation"},
      Number{"Brightness.mean", Scale::kSample, Group::kLight,
             "the mean brightness of pixels, each the largest of its red, green and blue"},
      Number{"Brightness.stddev", Scale::kSample, Group::kLight,
             "the standard deviation of the brightness"},
  };

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    const ImageCounts& counts = image.counts;
    std::size_t i = 0;
    for (const Histogram* histogram : {&counts.hue, &counts.saturation, &counts.value}) {
      const SampleStatistics statistics = sample_statistics(*histogram);
      out[i++] = statistics.mean;
      out[i++] = statistics.stddev;
    }
  }
};

}  // namespace lightmeter::measure
