#pragma once

#include "measure/metric.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {

// The mean hue as a vector. Each pixel weighs as much as its chroma.
struct CircularHue {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Hue.circular_mean", Scale::kSample, Group::kColour,
             "the direction of the mean hue on a circle of 255 steps; colourful pixels weigh more",
             Role::kAngle},
      Number{"Hue.concentration", Scale::kShare, Group::kColour,
             "how much the hues agree: 0 if they cancel out, 1 if there is only one"},
  };

  void read(const ImageFacts& image, std::span<Amount> out) const {
    const MeanHue hue = circular_hue(image.counts);
    out[0] = hue.mean;
    out[1] = hue.concentration;
  }
};

}  // namespace lightmeter::measure
