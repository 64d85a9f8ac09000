#include "kernels/vector.hpp"

#include <utility>

#include "kernels/read_out.hpp"

namespace lightmeter::kernels {

#if defined(__x86_64__) || defined(__aarch64__)

LIGHTMETER_OPEN_VECTORS

namespace vector {
namespace {

// Splits groups of pixels, which are read whole.
template <std::size_t kStride, auto kSplitGroup>
void split(const std::uint8_t* pixels, std::size_t n, std::uint8_t* first, std::uint8_t* second,
           std::uint8_t* third) noexcept {
  const std::size_t whole = kStride == 3 || n == 0 ? n : n - 1;  // the last has no padding
  std::size_t i = 0;
  for (; i < whole && whole >= kGroup; i += kGroup) {
    i = std::min(i, whole - kGroup);  // the last group overlaps the one before
    kSplitGroup(pixels + kStride * i, first + i, second + i, third + i);
  }
  for (; i < n; ++i) {
    first[i] = pixels[kStride * i];
    second[i] = pixels[kStride * i + 1];
    third[i] = pixels[kStride * i + 2];
  }
}

void luma(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
          std::size_t n, std::uint8_t* luma) noexcept {
  std::size_t i = 0;
  for (; i < n && n >= kLumaPixels; i += kLumaPixels) {
    i = std::min(i, n - kLumaPixels);  // the last group overlaps the one before
    luma_group(red + i, green + i, blue + i, luma + i);
  }
  for (; i < n; ++i) luma[i] = static_cast<std::uint8_t>(luma_of(red[i], green[i], blue[i]));
}

// Numbers T in turn from one half of each 16 bytes of a and from that of b.
template <std::size_t kHalf, class T, std::size_t... kNumber>
Bytes zip(Bytes a, Bytes b, std::index_sequence<kNumber...>) noexcept {
  using Numbers [[gnu::vector_size(kWidth)]] = T;
  constexpr std::size_t kAll = kWidth / sizeof(T), kPiece = 16 / sizeof(T);
  return reinterpret_cast<Bytes>(
      __builtin_shufflevector(reinterpret_cast<Numbers>(a), reinterpret_cast<Numbers>(b),
                              (kNumber / kPiece * kPiece + kHalf * kPiece / 2 +
                               kNumber % kPiece / 2 + kNumber % 2 * kAll)...));
}
template <std::size_t kHalf, class T = std::uint8_t>
Bytes zip(Bytes a, Bytes b) noexcept {
  return zip<kHalf, T>(a, b, std::make_index_sequence<kWidth / sizeof(T)>());
}

Bytes minimum(Bytes a, Bytes b) noexcept { return a < b ? a : b; }
Bytes maximum(Bytes a, Bytes b) noexcept { return a > b ? a : b; }

// sector << 16 | high << 8 | low, of bytes loaded for zips.
void store_keys(std::uint32_t* to, Bytes sector, Bytes high, Bytes low) noexcept {
  const Bytes pair[2] = {zip<0>(low, high), zip<1>(low, high)};
  const Bytes wide[2] = {zip<0>(sector, Bytes{}), zip<1>(sector, Bytes{})};
  const Bytes keys[4] = {
      zip<0, std::uint16_t>(pair[0], wide[0]), zip<1, std::uint16_t>(pair[0], wide[0]),
      zip<0, std::uint16_t>(pair[1], wide[1]), zip<1, std::uint16_t>(pair[1], wide[1])};
  std::memcpy(to, keys, sizeof(keys));
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                 std::uint16_t* middle) noexcept {
  for (std::size_t i = 0; i < n; i += kWidth) {
    const Bytes r = load_for_zips(red + i), g = load_for_zips(green + i);
    const Bytes b = load_for_zips(blue + i);
    const Bytes max = maximum(maximum(r, g), b), min = minimum(minimum(r, g), b);
    const auto is_red = r == max, is_green = g == max;
    const Bytes next = is_red ? g : is_green ? b : r;
    const Bytes previous = is_red ? b : is_green ? r : g;
    const Bytes mid = maximum(next, previous);
    const Bytes odd = ~reinterpret_cast<Bytes>(mid == next);  // bytes of 0 or 255
    // 2 largest - odd, modulo 6.
    const Bytes sector = (is_red ? odd & 6 : is_green ? Bytes{} + 2 : Bytes{} + 4) + odd;
    const Bytes chroma = max - min;
    // next - previous is middle - min, or middle's negative distance from min: modulo 256.
    const Bytes x = next - previous + (odd & chroma);
    store_keys(value_min + i, sector, max, min);
    store_keys(chroma_x + i, sector, chroma, x);
    store_zipped_once(middle + i, zip<0>(mid, sector));
    store_zipped_once(middle + i + kWidth / 2, zip<1>(mid, sector));
  }
}

// The bytes of cell_of, of which each has two parts.
void colour_cells(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                  std::size_t n, std::uint32_t* cells) noexcept {
  for (std::size_t i = 0; i < n; i += kWidth) {
    const Bytes g = load_for_zips(green + i);
    const Bytes a = load_for_zips(red + i) - g, b = load_for_zips(blue + i) - g;
    store_keys(cells + i, (a & 0xf8) | g >> 5, (b & 0xf8) | (a & 7), b << 5 | (g & 31));
  }
}

void read_page(const std::uint8_t* cells, std::size_t page, CellSums& sums) noexcept {
  kernels::read_page<is_empty_run>(cells, page, sums);
}

constexpr Tier kTier = {kName,
                        true,
                        split<3, split_packed_group>,
                        split<4, split_padded_group>,
                        colour_keys,
                        luma,
                        colour_cells,
                        read_page,
                        kFloats,
                        kDoubles,
                        kUnfilter};

}  // namespace
}  // namespace vector

LIGHTMETER_CLOSE_VECTORS

const Tier* const kVectors = &vector::kTier;

#else

const Tier* const kVectors = nullptr;

#endif

}  // namespace lightmeter::kernels
