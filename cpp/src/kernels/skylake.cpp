#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/hsv.hpp"
#include "kernels/kernels.hpp"
#include "kernels/key_sums.hpp"

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

#include "kernels/luma_groups.inl"
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

// sector << 16 | high << 8 | low. Two levels of unpacking within 16-byte pieces bring pixels that
// were loaded by load_for_unpacking into order.
inline void store_keys(std::uint32_t* to, __m512i sector, __m512i high, __m512i low) noexcept {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i pair_low = _mm512_unpacklo_epi8(low, high);
  const __m512i pair_high = _mm512_unpackhi_epi8(low, high);
  const __m512i sector_low = _mm512_unpacklo_epi8(sector, zero);
  const __m512i sector_high = _mm512_unpackhi_epi8(sector, zero);
  store(to, _mm512_unpacklo_epi16(pair_low, sector_low));
  store(to + 16, _mm512_unpackhi_epi16(pair_low, sector_low));
  store(to + 32, _mm512_unpacklo_epi16(pair_high, sector_high));
  store(to + 48, _mm512_unpackhi_epi16(pair_high, sector_high));
}

inline __m512i load_for_unpacking(const std::uint8_t* p) noexcept {
  return _mm512_permutexvar_epi32(
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), load(p));
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                 std::uint16_t* middle) noexcept {
  for (std::size_t i = 0; i < n; i += 64) {
    const __m512i r = load_for_unpacking(red + i);
    const __m512i g = load_for_unpacking(green + i);
    const __m512i b = load_for_unpacking(blue + i);
    const __m512i max = _mm512_max_epu8(_mm512_max_epu8(r, g), b);
    const __m512i min = _mm512_min_epu8(_mm512_min_epu8(r, g), b);
    const __mmask64 is_red = _mm512_cmpeq_epi8_mask(r, max);
    const __mmask64 is_green = _mm512_cmpeq_epi8_mask(g, max);
    const __m512i next = blend(is_red, blend(is_green, r, b), g);
    const __m512i previous = blend(is_red, blend(is_green, g, r), b);
    const __mmask64 odd = _mm512_cmplt_epu8_mask(next, previous);
    // 2 largest - odd, modulo 6.
    const __m512i even_above =
        blend(is_red, blend(is_green, set1(4), set1(2)), _mm512_maskz_mov_epi8(odd, set1(6)));
    const __m512i sector = _mm512_mask_sub_epi8(even_above, odd, even_above, set1(1));
    const __m512i chroma = _mm512_sub_epi8(max, min);
    // next - previous is middle - min, or middle's negative distance from min: modulo 256.
    const __m512i rise = _mm512_sub_epi8(next, previous);
    store_keys(value_min + i, sector, max, min);
    store_keys(chroma_x + i, sector, chroma, _mm512_mask_add_epi8(rise, odd, rise, chroma));

    const __m512i mid = _mm512_max_epu8(next, previous);
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    store(middle + i, _mm512_permutexvar_epi64(order, _mm512_unpacklo_epi8(mid, sector)));
    store(middle + i + 32, _mm512_permutexvar_epi64(order, _mm512_unpackhi_epi8(mid, sector)));
  }
}

// The bits of the mask from one, the others from the other.
inline __m512i join(__m512i mask, __m512i in, __m512i out) noexcept {
  return _mm512_ternarylogic_epi32(mask, in, out, 0xca);
}

// The bytes of cell_of, of which each has two parts.
void colour_cells(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                  std::size_t n, std::uint32_t* cells) noexcept {
  const __m512i high5 = set1(0xf8), high3 = set1(0xe0);
  for (std::size_t i = 0; i < n; i += 64) {
    const __m512i g = load_for_unpacking(green + i);
    const __m512i a = _mm512_sub_epi8(load_for_unpacking(red + i), g);
    const __m512i b = _mm512_sub_epi8(load_for_unpacking(blue + i), g);
    const __m512i low = join(high3, _mm512_slli_epi16(b, 5), g);
    const __m512i middle = join(high5, b, a);
    const __m512i high = join(high5, a, _mm512_srli_epi16(_mm512_and_si512(g, high3), 5));
    store_keys(cells + i, high, middle, low);
  }
}

// The weights of red and green, and of blue and 1, in bytes: the high ones or the low ones.
inline __m512i weights(std::uint32_t first, std::uint32_t second) noexcept {
  return _mm512_set1_epi16(static_cast<short>((second & 0xFF) << 8 | (first & 0xFF)));
}

// The luma less 128, see luma_of, of pairs of signed bytes: samples less 128, and 1 beside blue.
inline __m512i luma_of_pairs(__m512i red_green, __m512i blue_1) noexcept {
  const __m512i high =
      _mm512_add_epi16(_mm512_maddubs_epi16(weights(kRedWeight >> 8, kGreenWeight >> 8), red_green),
                       _mm512_maddubs_epi16(weights(kBlueWeight >> 8, 128), blue_1));
  const __m512i low =
      _mm512_add_epi16(_mm512_maddubs_epi16(weights(kRedWeight, kGreenWeight), red_green),
                       _mm512_maddubs_epi16(weights(kBlueWeight, 0), blue_1));
  return _mm512_srai_epi16(_mm512_add_epi16(high, _mm512_srai_epi16(low, 8)), 8);
}

// Packing within 16-byte pieces undoes unpacking.
inline void luma_group(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::uint8_t* luma) noexcept {
  const __m512i half = set1(-128), one = set1(1);
  const __m512i r = _mm512_xor_si512(load(red), half);
  const __m512i g = _mm512_xor_si512(load(green), half);
  const __m512i b = _mm512_xor_si512(load(blue), half);
  const __m512i packed =
      _mm512_packs_epi16(luma_of_pairs(_mm512_unpacklo_epi8(r, g), _mm512_unpacklo_epi8(b, one)),
                         luma_of_pairs(_mm512_unpackhi_epi8(r, g), _mm512_unpackhi_epi8(b, one)));
  store(luma, _mm512_xor_si512(packed, half));
}

inline bool is_zero_line(const std::uint16_t* numbers) noexcept {
  const __m512i any = _mm512_loadu_si512(numbers);
  return _mm512_test_epi64_mask(any, any) == 0;
}

inline bool is_empty_run(const std::uint8_t* cells) noexcept {
  const __m256i run = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cells));
  return _mm256_testc_si256(run, _mm256_set1_epi8(-1)) != 0;
}

#include "kernels/read_keys.inl"
#include "kernels/read_page.inl"

constexpr Kernels kTable = {"skylake",
                            split<3, split_packed_group>,
                            split<4, split_padded_group>,
                            colour_keys,
                            luma<64, luma_group>,
                            colour_cells,
                            read_keys,
                            read_page};

}  // namespace skylake

const Kernels* const kSkylake = &skylake::kTable;

}  // namespace lightmeter::kernels

#include "kernels/skylake_end.hpp"

#else

namespace lightmeter::kernels {
const Kernels* const kSkylake = nullptr;
}

#endif
