#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace lightmeter::kernels {

// Pillow's hue in integers. With V = max, C = max - min, the sector k = 0..5 of the colour circle
// and the way x = 0..C through the sector, Pillow truncates 255 (k + x / C) / 6 = 42.5 (k + x / C):
//   H = floor(85 (k C + x) / (2 C)) = floor(42.5 k) + floor((85 x + odd C) / (2 C)),  odd = k mod
//   2,
// because an odd k leaves a half over. The numerator is at most 86 C <= 21930, so it fits 16 bits,
// and the quotient is at most 43.
//
// Pillow works in float32. That matters only where the quotient is exact: its roundings then land
// below the integer for the following H (for every colour with that H, as the roundings depend on
// x / C alone), and it returns H - 1. tests/cpp/kernels compares all 2^24 colours.
class RoundedDown {
 public:
  // As a table for byte shuffles: bit (H >> 4 & 7) of byte H & 15 of half H >> 7.
  std::uint8_t half[2][16] = {};

  constexpr RoundedDown() {
    for (int hue = 1; hue <= 31; ++hue) add(hue);
    for (int hue = 129; hue <= 147; hue += 2) add(hue);
    for (int hue : {88,  92,  96,  100, 104, 149, 153, 157, 161, 165, 169, 173,
                    176, 177, 181, 184, 185, 189, 193, 197, 201, 205, 209}) {
      add(hue);
    }
  }

  [[nodiscard]] constexpr bool contains(int hue) const {
    return (half[hue >> 7][hue & 15] >> (hue >> 4 & 7) & 1) != 0;
  }

 private:
  constexpr void add(int hue) {
    half[hue >> 7][hue & 15] |= static_cast<std::uint8_t>(1 << (hue >> 4 & 7));
  }
};
inline constexpr RoundedDown kRoundedDown;

// floor(42.5 k) for the even (0, 2, 4) and odd (5, 1, 3) sectors where red, green, blue is largest.
inline constexpr std::array<std::uint8_t, 3> kEvenSector = {0, 85, 170};
inline constexpr std::array<std::uint8_t, 3> kOddSector = {212, 42, 127};

struct ValueChromaHue {
  std::uint8_t value, chroma, hue;
};

constexpr ValueChromaHue value_chroma_hue(int red, int green, int blue) {
  const int value = std::max({red, green, blue});
  const int chroma = value - std::min({red, green, blue});
  // The first of equal maxima decides, as in Pillow; the sector is even where the channel that
  // follows the largest in the cycle red, green, blue is not below the one that precedes it.
  const int largest = red == value ? 0 : green == value ? 1 : 2;
  const int next = largest == 0 ? green : largest == 1 ? blue : red;
  const int previous = largest == 0 ? blue : largest == 1 ? red : green;
  const bool odd = next < previous;
  const int x = odd ? chroma - (previous - next) : next - previous;
  const int numerator = 85 * x + (odd ? chroma : 0);
  const int denominator = 2 * std::max(chroma, 1);  // without chroma the numerator is 0
  int hue = (odd ? kOddSector : kEvenSector)[largest] + numerator / denominator;
  if (numerator % denominator == 0 && kRoundedDown.contains(hue)) --hue;
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(chroma),
          static_cast<std::uint8_t>(hue)};
}

}  // namespace lightmeter::kernels
