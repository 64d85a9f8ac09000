#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "measure/metric.hpp"
#include "measure/metrics/boxes.hpp"

namespace lightmeter::measure {

// The difference hash of N. Krawetz ("Kind of Like That", 2013): for 9 x 8 boxes, whether each is
// brighter than the one to its left. Row by row from the left, the highest bit first.
//
// The hash ignores colour, brightness, contrast, anything smaller than a box, and differences from
// row to row. If two boxes are almost equal, small changes decide their bit. If no box differs from
// the one beside it, there is no hash, so that a black and a white image do not count as alike.
struct PerceptualHash : Boxes<9, 8> {
  static constexpr Set kSet = Set::kCamera;
  static constexpr std::array kNumbers{
      Number{"PerceptualHash", Scale::kHash, Group::kRepeats,
             "a hash of where the image is light and dark: equal if two images look alike",
             Role::kHash},
  };

  // Means are compared by their products with the pixels of the other box; one of no pixels is not
  // brighter or darker than any.
  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    if (!image.is_whole || image.frame.width < kColumns || image.frame.height < kRows) return;
    std::uint64_t hash = 0;
    bool differs = false;
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t right = row * kColumns + 1; right < (row + 1) * kColumns; ++right) {
        const Wide here = Wide{luma[right]} * counts[right - 1];
        const Wide before = Wide{luma[right - 1]} * counts[right];
        hash = hash << 1 | static_cast<std::uint64_t>(here > before);
        differs = differs || here != before;
      }
    }
    if (differs) out[0] = hash;
  }
};

}  // namespace lightmeter::measure
