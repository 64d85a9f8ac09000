#pragma once

#include <array>
#include <cstdint>

namespace lightmeter::decode {

// The inverse DCT (ITU T.81, A.3.3), in the whole numbers of libjpeg's accurate one: 13 bits of
// fraction, first down the columns, rounded to 2 bits of fraction, then along the rows. libjpeg
// factors it after Loeffler, Ligtenberg and Moschytz; here its constants are multiplied out, which
// gives the same whole numbers. The samples x and 7 - x are the sum and the difference of an even
// and an odd part, x in 0 to 3.
inline constexpr int kEvenPart[4][4] = {  // times coefficients 0, 2, 4, 6
    {8192, 10703, 8192, 4433},
    {8192, 4433, -8192, -10704},
    {8192, -4433, -8192, 10704},
    {8192, -10703, 8192, -4433}};
inline constexpr int kOddPart[4][4] = {  // times coefficients 1, 3, 5, 7
    {11363, 9633, 6437, 2260},
    {9633, -2259, -11362, -6436},
    {6437, -11362, 2261, 9633},
    {2260, -6436, 9633, -11363}};
inline constexpr int kColumnShift = 11, kRowShift = 18;

// One pass over eight numbers of 16 bits, after which no sum passes 31 bits.
template <int kShift, class In, class Out>
constexpr void inverse_dct(const In* in, Out&& out) noexcept {
  for (int x = 0; x < 4; ++x) {
    const auto& e = kEvenPart[x];
    const auto& o = kOddPart[x];
    const int even = e[0] * in[0] + e[1] * in[2] + e[2] * in[4] + e[3] * in[6];
    const int odd = o[0] * in[1] + o[1] * in[3] + o[2] * in[5] + o[3] * in[7];
    constexpr int kHalf = 1 << (kShift - 1);
    out(x, (even + odd + kHalf) >> kShift);
    out(7 - x, (even - odd + kHalf) >> kShift);
  }
}

// The most that a coefficient times its divisor may be. libjpeg keeps 16 bits.
inline constexpr int kMostValue = 8191;

// Whether all implementations give the same samples: no sum of two values of a pass leaves 16 bits,
// in which vectors hold them, and no sample is outside -512 to 511, where tables wrap and vectors do
// not. `energy` is the sum of the squares of all values but the first.
[[nodiscard]] bool is_exact_in_full(int first, std::int64_t energy,
                                    const std::array<std::int16_t, 64>& values) noexcept;

// The same, mostly at a glance. The DCT is orthonormal: no sample is further from first / 8 than the
// square root of the energy. 1200 / 8 + 350 is 500, and the constants and roundings add less than 2.
// Between the passes a value is at most 4 * 1200 + 4 sqrt(8) * 350, so that the sum of two is below
// 2^15 as well.
[[nodiscard]] inline bool is_exact(int first, std::int64_t energy,
                                   const std::array<std::int16_t, 64>& values) noexcept {
  if (-1200 <= first && first <= 1200 && energy <= 350 * 350) [[likely]] {
    return true;
  }
  return is_exact_in_full(first, energy, values);
}

}  // namespace lightmeter::decode
