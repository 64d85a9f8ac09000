#pragma once

#include "measure/metric.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {

// The same as Pillow's Image.entropy().
struct Entropy {
  static constexpr Set kSet = Set::kWhylogs;
  static constexpr std::array kNumbers{
      Number{"entropy", Scale::kBits, Group::kLight,
             "the entropy of the histograms of red, green and blue together"},
  };

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    out[0] = entropy(image.counts);
  }
};

}  // namespace lightmeter::measure
