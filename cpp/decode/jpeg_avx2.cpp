#include <array>
#include <cstring>

#include "decode/jpeg_dct.hpp"
#include "decode/jpeg_kernels.hpp"
#include "kernels/compiler.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

LIGHTMETER_OPEN_VECTORS

namespace lightmeter::decode::vector {
namespace {

inline __m128i load16(const void* p) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
inline void store(void* p, __m256i v) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
// 16 bytes as numbers of 16 bits.
inline __m256i load_wide(const std::uint8_t* p) noexcept { return _mm256_cvtepu8_epi16(load16(p)); }

inline __m256i sum(__m256i a, __m256i b) noexcept { return _mm256_add_epi32(a, b); }

// Two numbers of 16 bits for _mm256_madd_epi16, which multiplies pairs and adds the two products.
inline __m256i pairs(int first, int second) noexcept {
  return _mm256_set1_epi32(static_cast<int>(static_cast<unsigned>(second) << 16 |
                                            (static_cast<unsigned>(first) & 0xFFFF)));
}

// What coefficients 2 i and 2 i + 1 of a column add to its eight rows.
struct ColumnFactors {
  alignas(32) std::int16_t of[4][16];
};
constexpr ColumnFactors kColumnFactors = [] {
  ColumnFactors factors{};
  for (int i = 0; i < 4; ++i) {
    for (int y = 0; y < 8; ++y) {
      const int from_top = y < 4 ? y : 7 - y;
      const int odd = kOddPart[from_top][i];
      factors.of[i][2 * y] = static_cast<std::int16_t>(kEvenPart[from_top][i]);
      factors.of[i][2 * y + 1] = static_cast<std::int16_t>(y < 4 ? odd : -odd);
    }
  }
  return factors;
}();

// The eight rows of a column of which the first 2 kPairs coefficients are not 0.
template <int kPairs>
inline __m256i column_of(const std::int16_t* coefficients) noexcept {
  __m256i total = _mm256_set1_epi32(1 << (kColumnShift - 1));
  for (int i = 0; i < kPairs; ++i) {
    std::int32_t two;
    std::memcpy(&two, coefficients + 2 * i, 4);
    const auto* const factors = reinterpret_cast<const __m256i*>(kColumnFactors.of[i]);
    total = sum(total, _mm256_madd_epi16(_mm256_set1_epi32(two), _mm256_load_si256(factors)));
  }
  return _mm256_srai_epi32(total, kColumnShift);
}

// Pairs of 16 bits from two vectors of numbers that fit.
inline __m256i paired(__m256i first, __m256i second) noexcept {
  return _mm256_blend_epi16(first, _mm256_slli_epi32(second, 16), 0xAA);
}

// Columns 0 to 3 or 4 to 7 of eight rows: rows 0 to 3 in the lower half, four bytes each.
inline __m256i bytes_of(__m256i a, __m256i b, __m256i c, __m256i d) noexcept {
  const __m256i by_row = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  return _mm256_shuffle_epi8(
      _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)), by_row);
}

inline void store_two_rows(std::uint8_t* to, std::ptrdiff_t row_stride, __m128i rows) noexcept {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), rows);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to + row_stride), _mm_unpackhi_epi64(rows, rows));
}

// Of a block of which all but the first 2 kPairs coefficients of the first 2 kPairs columns are 0.
template <int kPairs>
inline void transform(const std::int16_t* coefficients, std::uint8_t* samples,
                      std::ptrdiff_t row_stride) noexcept {
  // Columns 0 and 2, 4 and 6; 1 and 3, 5 and 7.
  __m256i even_columns[kPairs / 2], odd_columns[kPairs / 2];
  for (int i = 0; i < kPairs / 2; ++i) {
    const std::int16_t* const first = coefficients + 32 * i;
    even_columns[i] = paired(column_of<kPairs>(first), column_of<kPairs>(first + 16));
    odd_columns[i] = paired(column_of<kPairs>(first + 8), column_of<kPairs>(first + 24));
  }
  const __m256i half_and_128 = _mm256_set1_epi32((1 << (kRowShift - 1)) + (128 << kRowShift));
  __m256i column[8];
  for (int x = 0; x < 4; ++x) {
    const auto& e = kEvenPart[x];
    const auto& o = kOddPart[x];
    __m256i even = sum(half_and_128, _mm256_madd_epi16(even_columns[0], pairs(e[0], e[1])));
    __m256i odd = _mm256_madd_epi16(odd_columns[0], pairs(o[0], o[1]));
    if constexpr (kPairs == 4) {
      even = sum(even, _mm256_madd_epi16(even_columns[1], pairs(e[2], e[3])));
      odd = sum(odd, _mm256_madd_epi16(odd_columns[1], pairs(o[2], o[3])));
    }
    column[x] = _mm256_srai_epi32(sum(even, odd), kRowShift);
    column[7 - x] = _mm256_srai_epi32(_mm256_sub_epi32(even, odd), kRowShift);
  }
  const __m256i left = bytes_of(column[0], column[1], column[2], column[3]);
  const __m256i right = bytes_of(column[4], column[5], column[6], column[7]);
  const __m256i rows_0145 = _mm256_unpacklo_epi32(left, right);
  const __m256i rows_2367 = _mm256_unpackhi_epi32(left, right);
  store_two_rows(samples, row_stride, _mm256_castsi256_si128(rows_0145));
  store_two_rows(samples + 2 * row_stride, row_stride, _mm256_castsi256_si128(rows_2367));
  store_two_rows(samples + 4 * row_stride, row_stride, _mm256_extracti128_si256(rows_0145, 1));
  store_two_rows(samples + 6 * row_stride, row_stride, _mm256_extracti128_si256(rows_2367, 1));
}

void inverse_dct(const std::int16_t* coefficients, std::uint8_t* samples,
                 std::ptrdiff_t row_stride) noexcept {
  transform<4>(coefficients, samples, row_stride);
}

void inverse_low_dct(const std::int16_t* coefficients, std::uint8_t* samples,
                     std::ptrdiff_t row_stride) noexcept {
  transform<2>(coefficients, samples, row_stride);
}

inline __m256i threefold(__m256i v) noexcept {
  return _mm256_add_epi16(v, _mm256_slli_epi16(v, 1));
}

// Bytes in turn from two vectors of small numbers.
inline __m256i in_turn(__m256i even, __m256i odd) noexcept {
  return _mm256_or_si256(even, _mm256_slli_epi16(odd, 8));
}

void double_across(const std::uint8_t* in, std::size_t n, std::uint8_t* out) noexcept {
  const __m256i one = _mm256_set1_epi16(1), two = _mm256_set1_epi16(2);
  for (std::size_t i = 0; i < n; i += 16) {
    const __m256i here = threefold(load_wide(in + i));
    const __m256i last = _mm256_add_epi16(load_wide(in + i - 1), one);
    const __m256i next = _mm256_add_epi16(load_wide(in + i + 1), two);
    store(out + 2 * i, in_turn(_mm256_srli_epi16(_mm256_add_epi16(here, last), 2),
                               _mm256_srli_epi16(_mm256_add_epi16(here, next), 2)));
  }
}

void double_both(const std::uint8_t* near, const std::uint8_t* far, std::size_t n,
                 std::uint8_t* out) noexcept {
  const __m256i seven = _mm256_set1_epi16(7), eight = _mm256_set1_epi16(8);
  for (std::size_t i = 0; i < n; i += 16) {
    const __m256i here =
        threefold(_mm256_add_epi16(threefold(load_wide(near + i)), load_wide(far + i)));
    const __m256i last = _mm256_add_epi16(threefold(load_wide(near + i - 1)),
                                          _mm256_add_epi16(load_wide(far + i - 1), eight));
    const __m256i next = _mm256_add_epi16(threefold(load_wide(near + i + 1)),
                                          _mm256_add_epi16(load_wide(far + i + 1), seven));
    store(out + 2 * i, in_turn(_mm256_srli_epi16(_mm256_add_epi16(here, last), 4),
                               _mm256_srli_epi16(_mm256_add_epi16(here, next), 4)));
  }
}

// (v * factor + 2^15) >> 16, of factors below 2^15.
inline __m256i scaled(__m256i v, short factor) noexcept {
  const __m256i twice = _mm256_mulhi_epi16(_mm256_add_epi16(v, v), _mm256_set1_epi16(factor));
  return _mm256_srai_epi16(_mm256_add_epi16(twice, _mm256_set1_epi16(1)), 1);
}

struct Wide {
  __m256i red, green, blue;
};

// 91881 is 65536 + 26345; 116130 is 2 * 65536 - 14942; 46802 is 65536 - 18734.
inline void to_wide(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                    Wide& colours) noexcept {
  const __m256i middle = _mm256_set1_epi16(128);
  const __m256i luma = load_wide(y);
  const __m256i b = _mm256_sub_epi16(load_wide(cb), middle);
  const __m256i r = _mm256_sub_epi16(load_wide(cr), middle);
  const __m256i half = _mm256_set1_epi32(1 << 15);
  const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(b, r), pairs(-22554, 18734));
  const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(b, r), pairs(-22554, 18734));
  const __m256i g = _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), 16),
                                       _mm256_srai_epi32(_mm256_add_epi32(high, half), 16));
  colours.red = _mm256_add_epi16(_mm256_add_epi16(luma, r), scaled(r, 26345));
  colours.green = _mm256_sub_epi16(_mm256_add_epi16(luma, g), r);
  colours.blue =
      _mm256_add_epi16(_mm256_add_epi16(luma, _mm256_add_epi16(b, b)), scaled(b, -14942));
}

inline void store_bytes(std::uint8_t* to, __m256i first, __m256i second) noexcept {
  store(to, _mm256_permute4x64_epi64(_mm256_packus_epi16(first, second), _MM_SHUFFLE(3, 1, 2, 0)));
}

void to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::size_t n,
            std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue) noexcept {
  for (std::size_t i = 0; i < n; i += 32) {
    Wide first, second;
    to_wide(y + i, cb + i, cr + i, first);
    to_wide(y + i + 16, cb + i + 16, cr + i + 16, second);
    store_bytes(red + i, first.red, second.red);
    store_bytes(green + i, first.green, second.green);
    store_bytes(blue + i, first.blue, second.blue);
  }
}

}  // namespace

const JpegKernels kJpeg = {inverse_dct, inverse_low_dct, double_across, double_both, to_rgb};

}  // namespace lightmeter::decode::vector

LIGHTMETER_CLOSE_VECTORS

#endif
