#include "kernels/unfilter.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>
#include <type_traits>

#include "kernels/haswell_begin.hpp"

namespace lightmeter::kernels::haswell {
namespace {

using Bytes = __m128i;  // the lowest eight

// In the lowest bytes. Numbers of 4 and 8 bytes need no register of another kind.
template <std::size_t kSize>
inline Bytes read(const std::uint8_t* from) noexcept {
  using Number = std::conditional_t<kSize <= 4, int, long long>;
  Number number = 0;
  std::memcpy(&number, from, kSize);
  if constexpr (kSize <= 4) return _mm_cvtsi32_si128(number);
  return _mm_cvtsi64_si128(number);
}
template <std::size_t kSize>
inline void write(std::uint8_t* to, Bytes bytes) noexcept {
  if constexpr (kSize <= 4) {
    const int number = _mm_cvtsi128_si32(bytes);
    std::memcpy(to, &number, kSize);
  } else {
    const long long number = _mm_cvtsi128_si64(bytes);
    std::memcpy(to, &number, kSize);
  }
}
inline Bytes add(Bytes a, Bytes b) noexcept { return _mm_add_epi8(a, b); }
inline Bytes complement(Bytes a) noexcept { return _mm_xor_si128(a, _mm_set1_epi8(-1)); }

// The instruction rounds up: (a + b + 1) / 2. Of the complements 255 - a and 255 - b it gives the
// complement of (a + b) / 2, rounded down. So the chain from pixel to pixel is that and one
// subtraction: 255 - (coded + average) is (255 - average) - coded, modulo 256.
struct Average {
  Bytes left_complement = _mm_set1_epi8(-1);
  Bytes operator()(Bytes coded, Bytes above) noexcept {
    left_complement = _mm_sub_epi8(_mm_avg_epu8(left_complement, complement(above)), coded);
    return complement(left_complement);
  }
};

// The predictor of scalar.cpp in fewer steps from pixel to pixel, for 16-bit numbers: with
// lo and hi of left and up, and threshold = 3 up_left - left - up, it is hi if threshold <= lo, else
// lo if hi <= threshold, else up_left. A test compares all 2^24.
struct Paeth {
  Bytes left = _mm_setzero_si128();  // 16 bits each, as up_left
  Bytes up_left = _mm_setzero_si128();
  Bytes operator()(Bytes coded, Bytes above) noexcept {
    const Bytes up = _mm_cvtepu8_epi16(above);
    const Bytes thrice = _mm_add_epi16(_mm_add_epi16(up_left, up_left), up_left);
    // Saturating, which nothing here is, as compilers sum up other subtractions in longer chains.
    const Bytes threshold = _mm_subs_epi16(_mm_sub_epi16(thrice, up), left);
    const Bytes low = _mm_min_epi16(left, up);
    const Bytes high = _mm_max_epi16(left, up);
    const Bytes below = _mm_blendv_epi8(low, up_left, _mm_cmpgt_epi16(high, threshold));
    const Bytes nearest = _mm_blendv_epi8(high, below, _mm_cmpgt_epi16(threshold, low));
    up_left = up;
    left = _mm_add_epi8(_mm_cvtepu8_epi16(coded), nearest);  // the upper bytes are 0 and stay so
    return _mm_packus_epi16(left, left);
  }
};

#include "kernels/unfilter_steps.inl"

}  // namespace

const Unfilter kUnfilter = {sub, up, walk<Average>, walk<Paeth>};

}  // namespace lightmeter::kernels::haswell

#include "kernels/haswell_end.hpp"

#endif
