#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace lightmeter::kernels {

// A colour as counting sees it. With V = max, C = max - min of red, green, blue, the colour circle
// has six sectors, one for each order of the channels:
//
//   0  R >= G >= B     2  G >= B > R     4  B > R >= G
//   1  G > R >= B      3  B > G > R      5  R >= B > G
//
// In an even sector the middle channel rises from min to max as hue grows, in an odd one it falls:
// x = 0..C is the way through the sector, middle - min or max - middle.
struct ColourKeys {
  std::uint32_t value_min;  // sector << 16 | V << 8 | min
  std::uint32_t chroma_x;   // sector << 16 | C << 8 | x
  std::uint16_t middle;     // sector << 8 | middle
};
inline constexpr std::uint32_t kSectors = 6;

// Which channel is largest, in the middle and smallest in each sector.
inline constexpr std::array<std::uint8_t, kSectors> kMaxChannel = {0, 1, 1, 2, 2, 0};
inline constexpr std::array<std::uint8_t, kSectors> kMiddleChannel = {1, 0, 2, 1, 0, 2};
inline constexpr std::array<std::uint8_t, kSectors> kMinChannel = {2, 2, 0, 0, 1, 1};

// A colour of samples of any depth by the same words.
struct Hexcone {
  std::uint32_t sector, max, middle, min, x;
};

constexpr Hexcone hexcone(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  const std::uint32_t max = std::max({red, green, blue});
  const std::uint32_t min = std::min({red, green, blue});
  // The first of equal maxima decides, as in Pillow. `next` and `previous` are the largest
  // channel's neighbours in the cycle red, green, blue; the smaller of them is the minimum.
  const std::uint32_t largest = red == max ? 0 : green == max ? 1 : 2;
  const std::uint32_t next = largest == 0 ? green : largest == 1 ? blue : red;
  const std::uint32_t previous = largest == 0 ? blue : largest == 1 ? red : green;
  const bool odd = next < previous;
  const std::uint32_t middle = std::max(next, previous);
  const std::uint32_t sector = odd ? (largest == 0 ? 5 : 2 * largest - 1) : 2 * largest;
  return {sector, max, middle, min, odd ? max - middle : middle - min};
}

constexpr ColourKeys colour_keys(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  const auto [sector, max, middle, min, x] = hexcone(red, green, blue);
  return {sector << 16 | max << 8 | min, sector << 16 | (max - min) << 8 | x,
          static_cast<std::uint16_t>(sector << 8 | middle)};
}

// Pillow's 8-bit saturation, trunc(255 * float32(C / V)): floor(255 C / V) for every C <= V.
constexpr std::uint8_t saturation_of(std::uint32_t value, std::uint32_t min) {
  return static_cast<std::uint8_t>(value == 0 ? 0 : 255 * (value - min) / value);
}

// Pillow's 8-bit hue, 0..254: 255 (sector + x / C) / 6, truncated.
//
// Pillow works in float32. That matters only where the exact quotient is an integer H: its
// roundings then land below it for the hues listed here (for every colour of such an H, as they
// depend on sector and x / C alone), and it returns H - 1. The tests compare all 2^24 colours.
constexpr std::uint8_t hue_of(std::uint32_t sector, std::uint32_t chroma, std::uint32_t x) {
  constexpr std::uint8_t kRoundedDown[] = {
      1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,
      17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  31,  88,
      92,  96,  100, 104, 129, 131, 133, 135, 137, 139, 141, 143, 145, 147, 149, 153,
      157, 161, 165, 169, 173, 176, 177, 181, 184, 185, 189, 193, 197, 201, 205, 209};
  if (chroma == 0) return 0;
  const std::uint32_t numerator = 85 * (sector * chroma + x);
  const std::uint32_t hue = numerator / (2 * chroma);
  const bool exact = numerator % (2 * chroma) == 0;
  const bool down =
      exact && std::binary_search(std::begin(kRoundedDown), std::end(kRoundedDown), hue);
  return static_cast<std::uint8_t>(hue - (down ? 1 : 0));
}

// HSV of 16-bit samples: the exact quotients 65535 C / V and 65535 (sector + x / C) / 6, truncated.
// So hue is 0..65534. Of 8-bit samples times 257 both are 257 times the 8-bit ones or up to 257
// higher, as less is cut off.
struct DeepHsv {
  std::uint16_t hue, saturation, value, chroma;
};

constexpr DeepHsv deep_hsv(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  const Hexcone colour = hexcone(red, green, blue);
  const std::uint32_t chroma = colour.max - colour.min;
  // Numerators are below 2^33 and denominators below 2^17, so a quotient that is not an integer is
  // further below the next one than the rounding of the division moves it. Doubles, because they
  // divide several times as fast as 64-bit integers.
  const double hue = 21845.0 * (static_cast<double>(colour.sector) * chroma + colour.x) /
                     std::max(2.0 * chroma, 1.0);
  const double saturation = 65535.0 * chroma / std::max(1.0 * colour.max, 1.0);
  return {static_cast<std::uint16_t>(hue), static_cast<std::uint16_t>(saturation),
          static_cast<std::uint16_t>(colour.max), static_cast<std::uint16_t>(chroma)};
}

// Pillow's luma of RGB, for samples of up to 16 bits: the weights are 0.299, 0.587 and 0.114 in
// 65536ths, and the sum of all terms stays below 2^32.
inline constexpr std::uint32_t kRedWeight = 19595, kGreenWeight = 38470, kBlueWeight = 7471;
constexpr std::uint32_t luma_of(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  return (kRedWeight * red + kGreenWeight * green + kBlueWeight * blue + 32768) >> 16;
}

// In vectors 16 bits do for 8-bit samples. With the sums of the samples' products with the high
// bytes of the weights, h, and with the low bytes, l, the luma is (256 (h + 128) + l) >> 16, which
// is (h + 128 + (l >> 8)) >> 8. All of it fits, as the high bytes sum up to 255 and the low ones to
// 256. It holds for the luma less 128 where 128 is taken from every sample.
static_assert((kRedWeight >> 8) + (kGreenWeight >> 8) + (kBlueWeight >> 8) == 255);
static_assert(kRedWeight + kGreenWeight + kBlueWeight == 65536);

}  // namespace lightmeter::kernels
