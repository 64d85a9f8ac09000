#include "kernels/hue.hpp"
#include "kernels/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/haswell_begin.hpp"

namespace lightmeter::kernels {
namespace haswell {

inline __m256i load(const std::uint8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline void store(void* p, __m256i v) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
inline __m128i load16(const std::uint8_t* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline __m256i set1(int byte) noexcept { return _mm256_set1_epi8(static_cast<char>(byte)); }
inline __m256i repeat(const std::uint8_t (&bytes)[16]) noexcept {
  return _mm256_broadcastsi128_si256(load16(bytes));
}
// Masks are bytes of 0 or 255.
inline __m256i blend(__m256i mask, __m256i without, __m256i with) noexcept {
  return _mm256_blendv_epi8(without, with, mask);
}

// The 16-byte pieces at p and p + 48: the same third of two runs of 16 pixels.
inline __m256i load_thirds(const std::uint8_t* p) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(p)), load16(p + 48), 1);
}

#include "kernels/split_groups.inl"

// In a run of 48 bytes, byte i belongs to channel i mod 3. So the bytes of one channel lie apart in
// the three thirds: blended into one register they only need to be put in order.
inline void split_packed_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  static constexpr std::uint8_t kMod1[16] = {0, 255, 0,   0, 255, 0,   0, 255,
                                             0, 0,   255, 0, 0,   255, 0, 0};
  static constexpr std::uint8_t kMod2[16] = {0,   0, 255, 0,   0, 255, 0,   0,
                                             255, 0, 0,   255, 0, 0,   255, 0};
  static constexpr std::uint8_t kOrder[3][16] = {
      {0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13},
      {1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14},
      {2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15}};
  const __m256i mod1 = repeat(kMod1), mod2 = repeat(kMod2);
  for (int half = 0; half < 2; ++half) {
    const __m256i a = load_thirds(pixels + 96 * half);
    const __m256i b = load_thirds(pixels + 96 * half + 16);
    const __m256i c = load_thirds(pixels + 96 * half + 32);
    store(first + 32 * half,
          _mm256_shuffle_epi8(blend(mod1, blend(mod2, a, b), c), repeat(kOrder[0])));
    store(second + 32 * half,
          _mm256_shuffle_epi8(blend(mod1, blend(mod2, b, c), a), repeat(kOrder[1])));
    store(third + 32 * half,
          _mm256_shuffle_epi8(blend(mod1, blend(mod2, c, a), b), repeat(kOrder[2])));
  }
}

// 8 padded pixels as four pieces of 8 bytes: first, second, third channel, padding.
inline __m256i split_8_padded(const std::uint8_t* pixels) noexcept {
  static constexpr std::uint8_t kByChannel[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                  2, 6, 10, 14, 3, 7, 11, 15};
  return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(load(pixels), repeat(kByChannel)),
                                     _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

inline void split_padded_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* at = pixels + 128 * half;
    const __m256i a = split_8_padded(at), b = split_8_padded(at + 32);
    const __m256i c = split_8_padded(at + 64), d = split_8_padded(at + 96);
    const __m256i ab = _mm256_unpacklo_epi64(a, b);
    const __m256i cd = _mm256_unpacklo_epi64(c, d);
    store(first + 32 * half, _mm256_permute2x128_si256(ab, cd, 0x20));
    store(third + 32 * half, _mm256_permute2x128_si256(ab, cd, 0x31));
    store(second + 32 * half, _mm256_permute2x128_si256(_mm256_unpackhi_epi64(a, b),
                                                        _mm256_unpackhi_epi64(c, d), 0x20));
  }
}

// trunc(numerator / denominator) of 16-bit lanes, or one more. The reciprocal is good to 1.5 *
// 2^-12 and quotients are at most 43: the error is below 0.016, and the added 1/32 keeps it
// one-sided.
inline __m256i quotient_or_next(__m256i numerator, __m256i denominator) noexcept {
  const __m256i zero = _mm256_setzero_si256();
  const __m256 above = _mm256_set1_ps(1.0f / 32);
  const __m256 low = _mm256_fmadd_ps(
      _mm256_cvtepi32_ps(_mm256_unpacklo_epi16(numerator, zero)),
      _mm256_rcp_ps(_mm256_cvtepi32_ps(_mm256_unpacklo_epi16(denominator, zero))), above);
  const __m256 high = _mm256_fmadd_ps(
      _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(numerator, zero)),
      _mm256_rcp_ps(_mm256_cvtepi32_ps(_mm256_unpackhi_epi16(denominator, zero))), above);
  return _mm256_packs_epi32(_mm256_cvttps_epi32(low), _mm256_cvttps_epi32(high));
}

inline __m256i rounded_down(__m256i hue) noexcept {
  static constexpr std::uint8_t kBit[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                            1, 2, 4, 8, 16, 32, 64, 128};
  // A shuffle gives 0 where bit 7 of the index is set: each half of the table answers for its hues.
  const __m256i index = _mm256_and_si256(hue, set1(0x8f));
  const __m256i lower = _mm256_shuffle_epi8(repeat(kRoundedDown.half[0]), index);
  const __m256i upper =
      _mm256_shuffle_epi8(repeat(kRoundedDown.half[1]), _mm256_xor_si256(index, set1(0x80)));
  const __m256i bit =
      _mm256_shuffle_epi8(repeat(kBit), _mm256_and_si256(_mm256_srli_epi16(hue, 4), set1(0x0f)));
  return _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_or_si256(lower, upper), bit), bit);
}

// The hue of 32 pixels: value_chroma_hue() of hue.hpp, its division replaced by an estimate that
// the remainder corrects.
inline __m256i hue_of(__m256i red, __m256i green, __m256i blue, __m256i value,
                      __m256i chroma) noexcept {
  const __m256i zero = _mm256_setzero_si256(), one = set1(1), scale = set1(85);
  const __m256i is_red = _mm256_cmpeq_epi8(red, value);
  const __m256i is_green = _mm256_cmpeq_epi8(green, value);
  const __m256i next = blend(is_red, blend(is_green, red, blue), green);
  const __m256i previous = blend(is_red, blend(is_green, green, red), blue);
  const __m256i even = _mm256_cmpeq_epi8(_mm256_max_epu8(next, previous), next);
  const __m256i odd_one = _mm256_andnot_si256(even, one);
  // Modulo 256, chroma - (previous - next) is chroma + (next - previous).
  const __m256i x =
      _mm256_add_epi8(_mm256_sub_epi8(next, previous), _mm256_andnot_si256(even, chroma));

  const __m256i x_chroma_low = _mm256_unpacklo_epi8(x, chroma);
  const __m256i x_chroma_high = _mm256_unpackhi_epi8(x, chroma);
  const __m256i divisor = _mm256_max_epu8(chroma, one);
  const __m256i divisor_low = _mm256_unpacklo_epi8(divisor, zero);
  const __m256i divisor_high = _mm256_unpackhi_epi8(divisor, zero);
  const __m256i quotient = _mm256_packus_epi16(
      quotient_or_next(_mm256_maddubs_epi16(x_chroma_low, _mm256_unpacklo_epi8(scale, odd_one)),
                       _mm256_add_epi16(divisor_low, divisor_low)),
      quotient_or_next(_mm256_maddubs_epi16(x_chroma_high, _mm256_unpackhi_epi8(scale, odd_one)),
                       _mm256_add_epi16(divisor_high, divisor_high)));

  // 85 x + (odd - 2 quotient) C, where odd - 2 quotient fits a signed byte. Packing keeps the sign.
  const __m256i weight = _mm256_sub_epi8(odd_one, _mm256_add_epi8(quotient, quotient));
  const __m256i remainder =
      _mm256_packs_epi16(_mm256_maddubs_epi16(x_chroma_low, _mm256_unpacklo_epi8(scale, weight)),
                         _mm256_maddubs_epi16(x_chroma_high, _mm256_unpackhi_epi8(scale, weight)));

  const __m256i even_base =
      blend(is_red, blend(is_green, set1(kEvenSector[2]), set1(kEvenSector[1])), zero);
  const __m256i odd_base =
      blend(is_red, blend(is_green, set1(kOddSector[2]), set1(kOddSector[1])), set1(kOddSector[0]));
  const __m256i hue = _mm256_add_epi8(blend(even, odd_base, even_base), quotient);
  const __m256i one_less =
      _mm256_or_si256(_mm256_cmpgt_epi8(zero, remainder),
                      _mm256_and_si256(_mm256_cmpeq_epi8(remainder, zero), rounded_down(hue)));
  return _mm256_add_epi8(hue, one_less);
}

// high << 8 | low for 32 pixels in order. Unpacking works within 16-byte pieces, so the 8-byte
// pieces are first put where it leaves them in order.
inline void store_pairs(std::uint16_t* out, __m256i high, __m256i low) noexcept {
  high = _mm256_permute4x64_epi64(high, _MM_SHUFFLE(3, 1, 2, 0));
  low = _mm256_permute4x64_epi64(low, _MM_SHUFFLE(3, 1, 2, 0));
  store(out, _mm256_unpacklo_epi8(low, high));
  store(out + 16, _mm256_unpackhi_epi8(low, high));
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint16_t* red_green, std::uint16_t* value_chroma,
                 std::uint16_t* blue_hue) noexcept {
  for (std::size_t i = 0; i < n; i += 32) {
    const __m256i r = load(red + i), g = load(green + i), b = load(blue + i);
    const __m256i value = _mm256_max_epu8(_mm256_max_epu8(r, g), b);
    const __m256i chroma = _mm256_sub_epi8(value, _mm256_min_epu8(_mm256_min_epu8(r, g), b));
    store_pairs(red_green + i, r, g);
    store_pairs(value_chroma + i, value, chroma);
    store_pairs(blue_hue + i, b, hue_of(r, g, b, value, chroma));
  }
}

constexpr Kernels kTable = {"haswell", split<3, split_packed_group>, split<4, split_padded_group>,
                            colour_keys, &kSort};

}  // namespace haswell

const Kernels* const kHaswell = &haswell::kTable;

}  // namespace lightmeter::kernels

#include "kernels/haswell_end.hpp"

#else

namespace lightmeter::kernels {
const Kernels* const kHaswell = nullptr;
}

#endif
