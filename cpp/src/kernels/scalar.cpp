#include "kernels/hue.hpp"
#include "kernels/kernels.hpp"

namespace lightmeter::kernels {
namespace scalar {

template <std::size_t kStride>
void split(const std::uint8_t* pixels, std::size_t n, std::uint8_t* first, std::uint8_t* second,
           std::uint8_t* third) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    first[i] = pixels[kStride * i];
    second[i] = pixels[kStride * i + 1];
    third[i] = pixels[kStride * i + 2];
  }
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint16_t* red_green, std::uint16_t* value_chroma,
                 std::uint16_t* blue_hue) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const auto [value, chroma, hue] = value_chroma_hue(red[i], green[i], blue[i]);
    red_green[i] = static_cast<std::uint16_t>(red[i] << 8 | green[i]);
    value_chroma[i] = static_cast<std::uint16_t>(value << 8 | chroma);
    blue_hue[i] = static_cast<std::uint16_t>(blue[i] << 8 | hue);
  }
}

constexpr Kernels kTable = {"scalar", split<3>, split<4>, colour_keys, &kSort};

}  // namespace scalar

const Kernels* const kScalar = &scalar::kTable;

}  // namespace lightmeter::kernels
