#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/hsv.hpp"
#include "kernels/kernels.hpp"
#include "kernels/key_sums.hpp"

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

#include "kernels/luma_groups.inl"
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

// sector << 16 | high << 8 | low. Two levels of unpacking within 16-byte pieces bring pixels that
// were loaded by load_for_unpacking into order.
inline void store_keys(std::uint32_t* to, __m256i sector, __m256i high, __m256i low) noexcept {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i pair_low = _mm256_unpacklo_epi8(low, high);
  const __m256i pair_high = _mm256_unpackhi_epi8(low, high);
  const __m256i sector_low = _mm256_unpacklo_epi8(sector, zero);
  const __m256i sector_high = _mm256_unpackhi_epi8(sector, zero);
  store(to, _mm256_unpacklo_epi16(pair_low, sector_low));
  store(to + 8, _mm256_unpackhi_epi16(pair_low, sector_low));
  store(to + 16, _mm256_unpacklo_epi16(pair_high, sector_high));
  store(to + 24, _mm256_unpackhi_epi16(pair_high, sector_high));
}

inline __m256i load_for_unpacking(const std::uint8_t* p) noexcept {
  return _mm256_permutevar8x32_epi32(load(p), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                 std::uint16_t* middle) noexcept {
  for (std::size_t i = 0; i < n; i += 32) {
    const __m256i r = load_for_unpacking(red + i);
    const __m256i g = load_for_unpacking(green + i);
    const __m256i b = load_for_unpacking(blue + i);
    const __m256i max = _mm256_max_epu8(_mm256_max_epu8(r, g), b);
    const __m256i min = _mm256_min_epu8(_mm256_min_epu8(r, g), b);
    const __m256i is_red = _mm256_cmpeq_epi8(r, max);
    const __m256i is_green = _mm256_cmpeq_epi8(g, max);
    const __m256i next = blend(is_red, blend(is_green, r, b), g);
    const __m256i previous = blend(is_red, blend(is_green, g, r), b);
    const __m256i mid = _mm256_max_epu8(next, previous);
    const __m256i even = _mm256_cmpeq_epi8(mid, next);
    // 2 largest - odd, modulo 6.
    const __m256i even_above =
        blend(is_red, blend(is_green, set1(4), set1(2)), _mm256_andnot_si256(even, set1(6)));
    const __m256i sector = _mm256_sub_epi8(even_above, _mm256_andnot_si256(even, set1(1)));
    const __m256i chroma = _mm256_sub_epi8(max, min);
    // next - previous is middle - min, or middle's negative distance from min: modulo 256.
    const __m256i x =
        _mm256_add_epi8(_mm256_sub_epi8(next, previous), _mm256_andnot_si256(even, chroma));
    store_keys(value_min + i, sector, max, min);
    store_keys(chroma_x + i, sector, chroma, x);
    store(middle + i,
          _mm256_permute4x64_epi64(_mm256_unpacklo_epi8(mid, sector), _MM_SHUFFLE(3, 1, 2, 0)));
    store(middle + i + 16,
          _mm256_permute4x64_epi64(_mm256_unpackhi_epi8(mid, sector), _MM_SHUFFLE(3, 1, 2, 0)));
  }
}

// The bits of the mask from one, the others from the other.
inline __m256i join(__m256i mask, __m256i in, __m256i out) noexcept {
  return _mm256_or_si256(_mm256_and_si256(mask, in), _mm256_andnot_si256(mask, out));
}

// The bytes of cell_of, of which each has two parts.
void colour_cells(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                  std::size_t n, std::uint32_t* cells) noexcept {
  const __m256i high5 = set1(0xf8), high3 = set1(0xe0);
  for (std::size_t i = 0; i < n; i += 32) {
    const __m256i g = load_for_unpacking(green + i);
    const __m256i a = _mm256_sub_epi8(load_for_unpacking(red + i), g);
    const __m256i b = _mm256_sub_epi8(load_for_unpacking(blue + i), g);
    const __m256i low = join(high3, _mm256_slli_epi16(b, 5), g);
    const __m256i middle = join(high5, b, a);
    const __m256i high = join(high5, a, _mm256_srli_epi16(_mm256_and_si256(g, high3), 5));
    store_keys(cells + i, high, middle, low);
  }
}

// The weights of red and green, and of blue and 1, in bytes: the high ones or the low ones.
inline __m256i weights(std::uint32_t first, std::uint32_t second) noexcept {
  return _mm256_set1_epi16(static_cast<short>((second & 0xFF) << 8 | (first & 0xFF)));
}

// The luma less 128, see luma_of, of pairs of signed bytes: samples less 128, and 1 beside blue.
inline __m256i luma_of_pairs(__m256i red_green, __m256i blue_1) noexcept {
  const __m256i high =
      _mm256_add_epi16(_mm256_maddubs_epi16(weights(kRedWeight >> 8, kGreenWeight >> 8), red_green),
                       _mm256_maddubs_epi16(weights(kBlueWeight >> 8, 128), blue_1));
  const __m256i low =
      _mm256_add_epi16(_mm256_maddubs_epi16(weights(kRedWeight, kGreenWeight), red_green),
                       _mm256_maddubs_epi16(weights(kBlueWeight, 0), blue_1));
  return _mm256_srai_epi16(_mm256_add_epi16(high, _mm256_srai_epi16(low, 8)), 8);
}

// Packing within 16-byte pieces undoes unpacking.
inline void luma_group(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::uint8_t* luma) noexcept {
  const __m256i half = set1(-128), one = set1(1);
  const __m256i r = _mm256_xor_si256(load(red), half);
  const __m256i g = _mm256_xor_si256(load(green), half);
  const __m256i b = _mm256_xor_si256(load(blue), half);
  const __m256i packed =
      _mm256_packs_epi16(luma_of_pairs(_mm256_unpacklo_epi8(r, g), _mm256_unpacklo_epi8(b, one)),
                         luma_of_pairs(_mm256_unpackhi_epi8(r, g), _mm256_unpackhi_epi8(b, one)));
  store(luma, _mm256_xor_si256(packed, half));
}

inline bool is_zero_line(const std::uint16_t* numbers) noexcept {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(numbers);
  const __m256i any = _mm256_or_si256(load(bytes), load(bytes + 32));
  return _mm256_testz_si256(any, any) != 0;
}

inline bool is_empty_run(const std::uint8_t* cells) noexcept {
  return _mm256_testc_si256(load(cells), set1(kNoneCounted)) != 0;
}

#include "kernels/read_keys.inl"
#include "kernels/read_page.inl"

constexpr Kernels kTable = {"haswell",
                            split<3, split_packed_group>,
                            split<4, split_padded_group>,
                            colour_keys,
                            luma<32, luma_group>,
                            colour_cells,
                            read_keys,
                            read_page};

}  // namespace haswell

const Kernels* const kHaswell = &haswell::kTable;

}  // namespace lightmeter::kernels

#include "kernels/haswell_end.hpp"

#else

namespace lightmeter::kernels {
const Kernels* const kHaswell = nullptr;
}

#endif
