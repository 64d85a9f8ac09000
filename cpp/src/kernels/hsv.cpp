#include "kernels/hsv.hpp"

#include <algorithm>

namespace lightmeter::kernels {

const std::array<std::uint8_t, 65536>& saturation_table() {
  static const auto table = [] {
    std::array<std::uint8_t, 65536> saturation{};
    for (std::size_t value = 1; value < 256; ++value) {
      for (std::size_t chroma = 0; chroma <= value; ++chroma) {
        saturation[value << 8 | chroma] = static_cast<std::uint8_t>(255 * chroma / value);
      }
    }
    return saturation;
  }();
  return table;
}

void rgb_to_hsv(const Kernels& kernels, const std::uint8_t* red, const std::uint8_t* green,
                const std::uint8_t* blue, std::size_t n, std::uint8_t* hue,
                std::uint8_t* saturation, std::uint8_t* value) {
  constexpr std::size_t kBlock = 16 * kGroup;
  const auto& saturations = saturation_table();
  std::array<std::array<std::uint8_t, kBlock>, 3> plane{};
  std::array<std::array<std::uint16_t, kBlock>, 3> key;
  for (std::size_t start = 0; start < n; start += kBlock) {
    const std::size_t count = std::min(kBlock, n - start);
    std::copy_n(red + start, count, plane[0].begin());
    std::copy_n(green + start, count, plane[1].begin());
    std::copy_n(blue + start, count, plane[2].begin());
    kernels.colour_keys(plane[0].data(), plane[1].data(), plane[2].data(), count, key[0].data(),
                        key[1].data(), key[2].data());
    for (std::size_t i = 0; i < count; ++i) {
      value[start + i] = static_cast<std::uint8_t>(key[1][i] >> 8);
      saturation[start + i] = saturations[key[1][i]];
      hue[start + i] = static_cast<std::uint8_t>(key[2][i] & 0xff);
    }
  }
}

}  // namespace lightmeter::kernels
