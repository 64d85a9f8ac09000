#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/hsv.hpp"
#include "kernels/kernels.hpp"
#include "kernels/key_sums.hpp"

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
                 std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                 std::uint16_t* middle) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const ColourKeys keys = kernels::colour_keys(red[i], green[i], blue[i]);
    value_min[i] = keys.value_min;
    chroma_x[i] = keys.chroma_x;
    middle[i] = keys.middle;
  }
}

void luma(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
          std::size_t n, std::uint8_t* luma) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    luma[i] = static_cast<std::uint8_t>(luma_of(red[i], green[i], blue[i]));
  }
}

void colour_cells(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                  std::size_t n, std::uint32_t* cells) noexcept {
  for (std::size_t i = 0; i < n; ++i) cells[i] = cell_of(red[i], green[i], blue[i]);
}

inline bool is_zero_line(const std::uint16_t* numbers) noexcept {
  std::uint16_t any = 0;
  for (std::size_t i = 0; i < kLineNumbers; ++i) any |= numbers[i];
  return any == 0;
}

inline bool is_empty_run(const std::uint8_t* cells) noexcept {
  std::uint8_t all = kNoneCounted;
  for (std::size_t i = 0; i < kRunCells; ++i) all &= cells[i];
  return all == kNoneCounted;
}

#include "kernels/read_keys.inl"
#include "kernels/read_page.inl"

constexpr Kernels kTable = {"scalar", split<3>,     split<4>,  colour_keys,
                            luma,     colour_cells, read_keys, read_page};

}  // namespace scalar

const Kernels* const kScalar = &scalar::kTable;

}  // namespace lightmeter::kernels
