// What the kernels of the vector tier are made of, for AVX2. neon.hpp has the same names.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/compiler.hpp"

LIGHTMETER_OPEN_VECTORS

namespace lightmeter::kernels::vector {

inline constexpr std::string_view kName = "avx2";
inline constexpr std::size_t kWidth = 32;
using Bytes [[gnu::vector_size(kWidth)]] = std::uint8_t;

inline __m256 minimum(__m256 a, __m256 b) noexcept { return _mm256_min_ps(a, b); }
inline __m256 maximum(__m256 a, __m256 b) noexcept { return _mm256_max_ps(a, b); }
inline __m256d minimum(__m256d a, __m256d b) noexcept { return _mm256_min_pd(a, b); }
inline __m256d maximum(__m256d a, __m256d b) noexcept { return _mm256_max_pd(a, b); }

inline __m256i load(const std::uint8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
template <class V>
inline void store(void* p, V v) noexcept {
  std::memcpy(p, &v, sizeof(v));
}

// Bytes in an order that zipping twice within pieces of 16 bytes undoes.
inline Bytes load_for_zips(const std::uint8_t* p) noexcept {
  return reinterpret_cast<Bytes>(
      _mm256_permutevar8x32_epi32(load(p), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7)));
}
// Of such bytes, once zipped.
inline void store_zipped_once(void* p, Bytes v) noexcept {
  store(p, _mm256_permute4x64_epi64(reinterpret_cast<__m256i>(v), _MM_SHUFFLE(3, 1, 2, 0)));
}

// The 16-byte pieces at p and p + 48: the same third of two runs of 16 pixels.
inline Bytes load_thirds(const std::uint8_t* p) noexcept {
  return reinterpret_cast<Bytes>(_mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(p + 48),
                                                     reinterpret_cast<const __m128i*>(p)));
}

// In a run of 48 bytes, byte i belongs to channel i mod 3. So the bytes of one channel lie apart in
// the three thirds: those with i mod 3 of 0, 2 and 1 are taken from three vectors, and put in order.
template <std::size_t kChannel, std::size_t... kByte>
inline Bytes channel_of(Bytes a, Bytes b, Bytes c, std::index_sequence<kByte...>) noexcept {
  const Bytes ab = __builtin_shufflevector(a, b, (kByte % 16 % 3 == 2 ? 32 + kByte : kByte)...);
  const Bytes all = __builtin_shufflevector(ab, c, (kByte % 16 % 3 == 1 ? 32 + kByte : kByte)...);
  return __builtin_shufflevector(all, all,
                                 (kByte / 16 * 16 + (3 * (kByte % 16) + kChannel) % 16)...);
}

inline void split_packed_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  constexpr auto kBytes = std::make_index_sequence<32>();
  for (int half = 0; half < 2; ++half) {
    const Bytes a = load_thirds(pixels + 96 * half);
    const Bytes b = load_thirds(pixels + 96 * half + 16);
    const Bytes c = load_thirds(pixels + 96 * half + 32);
    store(first + 32 * half, channel_of<0>(a, b, c, kBytes));
    store(second + 32 * half, channel_of<1>(b, c, a, kBytes));
    store(third + 32 * half, channel_of<2>(c, a, b, kBytes));
  }
}

// 8 padded pixels as four pieces of 8 bytes: first, second, third channel, padding.
inline __m256i split_8_padded(const std::uint8_t* pixels) noexcept {
  const __m256i by_channel = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(load(pixels), by_channel),
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

// The luma of kLumaPixels pixels. Packing within 16-byte pieces undoes unpacking.
inline constexpr std::size_t kLumaPixels = 32;
inline void luma_group(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::uint8_t* luma) noexcept {
  const __m256i half = _mm256_set1_epi8(-128), one = _mm256_set1_epi8(1);
  const __m256i r = _mm256_xor_si256(load(red), half);
  const __m256i g = _mm256_xor_si256(load(green), half);
  const __m256i b = _mm256_xor_si256(load(blue), half);
  const __m256i packed =
      _mm256_packs_epi16(luma_of_pairs(_mm256_unpacklo_epi8(r, g), _mm256_unpacklo_epi8(b, one)),
                         luma_of_pairs(_mm256_unpackhi_epi8(r, g), _mm256_unpackhi_epi8(b, one)));
  store(luma, _mm256_xor_si256(packed, half));
}

// Whether no cell of a run counted anything.
inline bool is_empty_run(const std::uint8_t* cells) noexcept {
  return _mm256_testc_si256(load(cells), _mm256_set1_epi8(static_cast<char>(kNoneCounted))) != 0;
}

// Pixels of up to eight bytes, the lowest ones.
using Pixel = __m128i;

// Numbers of 4 and 8 bytes need no register of another kind.
template <std::size_t kSize>
inline Pixel read_pixel(const std::uint8_t* from) noexcept {
  using Number = std::conditional_t<kSize <= 4, int, long long>;
  Number number = 0;
  std::memcpy(&number, from, kSize);
  if constexpr (kSize <= 4) return _mm_cvtsi32_si128(number);
  return _mm_cvtsi64_si128(number);
}
inline Pixel add(Pixel a, Pixel b) noexcept { return _mm_add_epi8(a, b); }
inline Pixel complement(Pixel a) noexcept { return _mm_xor_si128(a, _mm_set1_epi8(-1)); }

// A step of a filter is shown the pixels of a row in order, each with the one above it, and returns
// what they stand for.

// The instruction rounds up: (a + b + 1) / 2. Of the complements 255 - a and 255 - b it gives the
// complement of (a + b) / 2, rounded down. So the chain from pixel to pixel is that and one
// subtraction: 255 - (coded + average) is (255 - average) - coded, modulo 256.
struct Average {
  Pixel left_complement = _mm_set1_epi8(-1);
  Pixel operator()(Pixel coded, Pixel above) noexcept {
    left_complement = _mm_sub_epi8(_mm_avg_epu8(left_complement, complement(above)), coded);
    return complement(left_complement);
  }
};

// Paeth's predictor, see scalar.cpp, in fewer steps from pixel to pixel, for 16-bit numbers: with
// lo and hi of left and up, and threshold = 3 up_left - left - up, it is hi if threshold <= lo, else
// lo if hi <= threshold, else up_left. A test compares all 2^24.
struct Paeth {
  Pixel left = _mm_setzero_si128();  // 16 bits each, as up_left
  Pixel up_left = _mm_setzero_si128();
  Pixel operator()(Pixel coded, Pixel above) noexcept {
    const Pixel up = _mm_cvtepu8_epi16(above);
    const Pixel thrice = _mm_add_epi16(_mm_add_epi16(up_left, up_left), up_left);
    // Saturating, which nothing here is, as compilers sum up other subtractions in longer chains.
    const Pixel threshold = _mm_subs_epi16(_mm_sub_epi16(thrice, up), left);
    const Pixel low = _mm_min_epi16(left, up);
    const Pixel high = _mm_max_epi16(left, up);
    const Pixel below = _mm_blendv_epi8(low, up_left, _mm_cmpgt_epi16(high, threshold));
    const Pixel nearest = _mm_blendv_epi8(high, below, _mm_cmpgt_epi16(threshold, low));
    up_left = up;
    left = _mm_add_epi8(_mm_cvtepu8_epi16(coded), nearest);  // the upper bytes are 0 and stay so
    return _mm_packus_epi16(left, left);
  }
};

}  // namespace lightmeter::kernels::vector

LIGHTMETER_CLOSE_VECTORS
