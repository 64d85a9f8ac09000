#pragma once

#include "measure/metric.hpp"

namespace lightmeter::measure {

struct Size {
  static constexpr Set kSet = Set::kWhylogs;
  static constexpr std::array kNumbers{
      Number{"ImagePixelWidth", Role::kPlain, Scale::kLength, Group::kSize, true, "the width"},
      Number{"ImagePixelHeight", Role::kPlain, Scale::kLength, Group::kSize, true, "the height"},
  };

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    out[0] = static_cast<double>(image.frame.width);
    out[1] = static_cast<double>(image.frame.height);
  }
};

}  // namespace lightmeter::measure
