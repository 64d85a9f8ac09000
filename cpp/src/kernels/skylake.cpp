#include "kernels/hue.hpp"
#include "kernels/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/skylake_begin.hpp"

namespace lightmeter::kernels {
namespace skylake {

inline __m512i load(const std::uint8_t* p) noexcept { return _mm512_loadu_si512(p); }
inline void store(void* p, __m512i v) noexcept { _mm512_storeu_si512(p, v); }
inline __m128i load16(const std::uint8_t* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline __m512i set1(int byte) noexcept { return _mm512_set1_epi8(static_cast<char>(byte)); }
inline __m512i blend(__mmask64 mask, __m512i without, __m512i with) noexcept {
  return _mm512_mask_blend_epi8(mask, without, with);
}
inline __m512i repeat(const std::uint8_t (&bytes)[16]) noexcept {
  return _mm512_broadcast_i32x4(load16(bytes));
}

// The 16-byte pieces at p, p + 48, p + 96 and p + 144: the same third of four runs of 16 pixels.
inline __m512i load_thirds(const std::uint8_t* p) noexcept {
  const __m512i v = _mm512_inserti32x4(_mm512_castsi128_si512(load16(p)), load16(p + 48), 1);
  return _mm512_inserti32x4(_mm512_inserti32x4(v, load16(p + 96), 2), load16(p + 144), 3);
}

#include "kernels/split_groups.inl"

// In a run of 48 bytes, byte i belongs to channel i mod 3. So the bytes of one channel lie apart in
// the three thirds: blended into one register they only need to be put in order.
inline void split_packed_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  constexpr __mmask64 kMod1 = 0x2492249224922492, kMod2 = 0x4924492449244924;
  static constexpr std::uint8_t kOrder[3][16] = {
      {0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13},
      {1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14},
      {2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15}};
  const __m512i a = load_thirds(pixels);
  const __m512i b = load_thirds(pixels + 16);
  const __m512i c = load_thirds(pixels + 32);
  store(first, _mm512_shuffle_epi8(blend(kMod1, blend(kMod2, a, b), c), repeat(kOrder[0])));
  store(second, _mm512_shuffle_epi8(blend(kMod1, blend(kMod2, b, c), a), repeat(kOrder[1])));
  store(third, _mm512_shuffle_epi8(blend(kMod1, blend(kMod2, c, a), b), repeat(kOrder[2])));
}

// 16 padded pixels as four pieces of 16 bytes: first, second, third channel, padding.
inline __m512i split_16_padded(const std::uint8_t* pixels) noexcept {
  static constexpr std::uint8_t kByChannel[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                  2, 6, 10, 14, 3, 7, 11, 15};
  const __m512i dwords = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(dwords, _mm512_shuffle_epi8(load(pixels), repeat(kByChannel)));
}

inline void split_padded_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  constexpr int kEven = 0x88, kOdd = 0xdd;  // pieces 0, 2 or 1, 3 of both operands
  const __m512i a = split_16_padded(pixels);
  const __m512i b = split_16_padded(pixels + 64);
  const __m512i c = split_16_padded(pixels + 128);
  const __m512i d = split_16_padded(pixels + 192);
  const __m512i ab = _mm512_shuffle_i32x4(a, b, kEven);
  const __m512i cd = _mm512_shuffle_i32x4(c, d, kEven);
  store(first, _mm512_shuffle_i32x4(ab, cd, kEven));
  store(third, _mm512_shuffle_i32x4(ab, cd, kOdd));
  store(second, _mm512_shuffle_i32x4(_mm512_shuffle_i32x4(a, b, kOdd),
                                     _mm512_shuffle_i32x4(c, d, kOdd), kEven));
}

// trunc(numerator / denominator) of 16-bit lanes, or one more. The reciprocal is good to 2^-14 and
// quotients are at most 43: the error is below 0.003, and the added 1/32 keeps it one-sided.
inline __m512i quotient_or_next(__m512i numerator, __m512i denominator) noexcept {
  const __m512i zero = _mm512_setzero_si512();
  const __m512 above = _mm512_set1_ps(1.0f / 32);
  const __m512 low = _mm512_fmadd_ps(
      _mm512_cvtepi32_ps(_mm512_unpacklo_epi16(numerator, zero)),
      _mm512_rcp14_ps(_mm512_cvtepi32_ps(_mm512_unpacklo_epi16(denominator, zero))), above);
  const __m512 high = _mm512_fmadd_ps(
      _mm512_cvtepi32_ps(_mm512_unpackhi_epi16(numerator, zero)),
      _mm512_rcp14_ps(_mm512_cvtepi32_ps(_mm512_unpackhi_epi16(denominator, zero))), above);
  return _mm512_packs_epi32(_mm512_cvttps_epi32(low), _mm512_cvttps_epi32(high));
}

inline __mmask64 rounded_down(__m512i hue) noexcept {
  static constexpr std::uint8_t kBit[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                            1, 2, 4, 8, 16, 32, 64, 128};
  // A shuffle gives 0 where bit 7 of the index is set: each half of the table answers for its hues.
  const __m512i index = _mm512_and_si512(hue, set1(0x8f));
  const __m512i lower = _mm512_shuffle_epi8(repeat(kRoundedDown.half[0]), index);
  const __m512i upper =
      _mm512_shuffle_epi8(repeat(kRoundedDown.half[1]), _mm512_xor_si512(index, set1(0x80)));
  const __m512i bit =
      _mm512_shuffle_epi8(repeat(kBit), _mm512_and_si512(_mm512_srli_epi16(hue, 4), set1(0x0f)));
  return _mm512_test_epi8_mask(_mm512_or_si512(lower, upper), bit);
}

// The hue of 64 pixels: value_chroma_hue() of hue.hpp, its division replaced by an estimate that
// the remainder corrects.
inline __m512i hue_of(__m512i red, __m512i green, __m512i blue, __m512i value,
                      __m512i chroma) noexcept {
  const __m512i zero = _mm512_setzero_si512(), one = set1(1);
  const __mmask64 is_red = _mm512_cmpeq_epi8_mask(red, value);
  const __mmask64 is_green = _mm512_cmpeq_epi8_mask(green, value);
  const __m512i next = blend(is_red, blend(is_green, red, blue), green);
  const __m512i previous = blend(is_red, blend(is_green, green, red), blue);
  const __mmask64 odd = _mm512_cmplt_epu8_mask(next, previous);
  const __m512i odd_one = _mm512_maskz_mov_epi8(odd, one);
  // Modulo 256, chroma - (previous - next) is chroma + (next - previous).
  const __m512i rise = _mm512_sub_epi8(next, previous);
  const __m512i x = _mm512_mask_add_epi8(rise, odd, rise, chroma);

  const __m512i scale = set1(85);
  const __m512i x_chroma_low = _mm512_unpacklo_epi8(x, chroma);
  const __m512i x_chroma_high = _mm512_unpackhi_epi8(x, chroma);
  const __m512i divisor = _mm512_max_epu8(chroma, one);
  const __m512i divisor_low = _mm512_unpacklo_epi8(divisor, zero);
  const __m512i divisor_high = _mm512_unpackhi_epi8(divisor, zero);
  const __m512i quotient = _mm512_packus_epi16(
      quotient_or_next(_mm512_maddubs_epi16(x_chroma_low, _mm512_unpacklo_epi8(scale, odd_one)),
                       _mm512_add_epi16(divisor_low, divisor_low)),
      quotient_or_next(_mm512_maddubs_epi16(x_chroma_high, _mm512_unpackhi_epi8(scale, odd_one)),
                       _mm512_add_epi16(divisor_high, divisor_high)));

  // 85 x + (odd - 2 quotient) C, where odd - 2 quotient fits a signed byte. Packing keeps the sign.
  const __m512i weight = _mm512_sub_epi8(odd_one, _mm512_add_epi8(quotient, quotient));
  const __m512i remainder =
      _mm512_packs_epi16(_mm512_maddubs_epi16(x_chroma_low, _mm512_unpacklo_epi8(scale, weight)),
                         _mm512_maddubs_epi16(x_chroma_high, _mm512_unpackhi_epi8(scale, weight)));

  const __m512i even_base =
      blend(is_red, blend(is_green, set1(kEvenSector[2]), set1(kEvenSector[1])), zero);
  const __m512i odd_base =
      blend(is_red, blend(is_green, set1(kOddSector[2]), set1(kOddSector[1])), set1(kOddSector[0]));
  const __m512i hue = _mm512_add_epi8(blend(odd, even_base, odd_base), quotient);
  const __mmask64 one_less = _mm512_movepi8_mask(remainder) |
                             (_mm512_cmpeq_epi8_mask(remainder, zero) & rounded_down(hue));
  return _mm512_mask_sub_epi8(hue, one_less, hue, one);
}

// high << 8 | low for 64 pixels in order. Unpacking works within 16-byte pieces, so the 8-byte
// pieces are first put where it leaves them in order.
inline void store_pairs(std::uint16_t* out, __m512i high, __m512i low) noexcept {
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  high = _mm512_permutexvar_epi64(order, high);
  low = _mm512_permutexvar_epi64(order, low);
  store(out, _mm512_unpacklo_epi8(low, high));
  store(out + 32, _mm512_unpackhi_epi8(low, high));
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint16_t* red_green, std::uint16_t* value_chroma,
                 std::uint16_t* blue_hue) noexcept {
  for (std::size_t i = 0; i < n; i += 64) {
    const __m512i r = load(red + i), g = load(green + i), b = load(blue + i);
    const __m512i value = _mm512_max_epu8(_mm512_max_epu8(r, g), b);
    const __m512i chroma = _mm512_sub_epi8(value, _mm512_min_epu8(_mm512_min_epu8(r, g), b));
    store_pairs(red_green + i, r, g);
    store_pairs(value_chroma + i, value, chroma);
    store_pairs(blue_hue + i, b, hue_of(r, g, b, value, chroma));
  }
}

constexpr Kernels kTable = {"skylake", split<3, split_packed_group>, split<4, split_padded_group>,
                            colour_keys, &kSort};

}  // namespace skylake

const Kernels* const kSkylake = &skylake::kTable;

}  // namespace lightmeter::kernels

#include "kernels/skylake_end.hpp"

#else

namespace lightmeter::kernels {
const Kernels* const kSkylake = nullptr;
}

#endif
