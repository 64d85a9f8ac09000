#pragma once

#include "measure/metric.hpp"

namespace lightmeter::measure {

struct Size {
  static constexpr Set kSet = Set::kWhylogs;
  static constexpr std::array kNumbers{
      Number{"ImagePixelWidth", Scale::kLength, Group::kSize, "the width"},
      Number{"ImagePixelHeight", Scale::kLength, Group::kSize, "the height"},
  };

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    out[0] = static_cast<double>(image.frame.width);
    out[1] = static_cast<double>(image.frame.height);
  }
};

}  // namespace lightmeter::measure
