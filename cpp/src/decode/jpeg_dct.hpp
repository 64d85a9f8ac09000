#pragma once

#include <array>
#include <cstdint>

namespace lightmeter::decode {

// The inverse DCT (ITU T.81, A.3.3), in the whole numbers of libjpeg's accurate one: 13 bits of
// fraction, first down the columns, rounded to 2 bits of fraction, then along the rows. libjpeg
// factors it after Loeffler, Ligtenberg and Moschytz; here its constants are multiplied out, which
// gives the same whole numbers. The samples x and 7 - x are the sum and the difference of an even
// and an odd part, x in 0 to 3.
inline constexpr int kEvenPart[4][4] = {  // times coefficients 0, 4, 2, 6
    {8192, 8192, 10703, 4433},
    {8192, -8192, 4433, -10704},
    {8192, -8192, -4433, 10704},
    {8192, 8192, -10703, -4433}};
inline constexpr int kOddPart[4][4] = {  // times coefficients 1, 3, 5, 7
    {11363, 9633, 6437, 2260},
    {9633, -2259, -11362, -6436},
    {6437, -11362, 2261, 9633},
    {2260, -6436, 9633, -11363}};
inline constexpr int kColumnShift = 11, kRowShift = 18;

// One pass over eight coefficients that lie `step` apart. No sum passes 2^31 for |in| <= 32767 / 2.
template <int kShift, class In, class Out>
constexpr void inverse_dct(const In* in, int step, Out&& out) noexcept {
  for (int x = 0; x < 4; ++x) {
    const auto& e = kEvenPart[x];
    const auto& o = kOddPart[x];
    const int even = e[0] * in[0] + e[1] * in[4 * step] + e[2] * in[2 * step] + e[3] * in[6 * step];
    const int odd =
        o[0] * in[step] + o[1] * in[3 * step] + o[2] * in[5 * step] + o[3] * in[7 * step];
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
[[nodiscard]] bool is_exact(int first, std::int64_t energy,
                            const std::array<std::int16_t, 64>& values) noexcept;

}  // namespace lightmeter::decode
