#include <array>
#include <cstring>

#include "decode/jpeg_dct.hpp"
#include "decode/jpeg_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/haswell_begin.hpp"

namespace lightmeter::decode {
namespace haswell {

inline __m128i load16(const void* p) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
inline void store(void* p, __m256i v) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
inline void store8(void* p, __m128i v) noexcept { _mm_storel_epi64(static_cast<__m128i*>(p), v); }
// 16 bytes as numbers of 16 bits.
inline __m256i load_wide(const std::uint8_t* p) noexcept { return _mm256_cvtepu8_epi16(load16(p)); }

// Two factors for _mm256_madd_epi16, which multiplies pairs of neighbours and adds the products.
constexpr int pair(int first, int second) noexcept {
  return static_cast<int>(static_cast<unsigned>(second) << 16 |
                          (static_cast<unsigned>(first) & 0xFFFF));
}
inline __m256i times(__m256i pairs, int first, int second) noexcept {
  return _mm256_madd_epi16(pairs, _mm256_set1_epi32(pair(first, second)));
}

inline __m256i two_pairs(int below, int above) noexcept {
  return _mm256_setr_epi32(below, below, below, below, above, above, above, above);
}

// Two rows of coefficients, as eight pairs from column 0 to 7.
inline __m256i pairs_of(const std::int16_t* rows, int a, int b) noexcept {
  constexpr int kHalves = 0x50;  // the first four numbers below, the others above
  return _mm256_unpacklo_epi16(
      _mm256_permute4x64_epi64(_mm256_castsi128_si256(load16(rows + 8 * a)), kHalves),
      _mm256_permute4x64_epi64(_mm256_castsi128_si256(load16(rows + 8 * b)), kHalves));
}

inline __m256i sum(__m256i a, __m256i b) noexcept { return _mm256_add_epi32(a, b); }

// Down all columns.
inline void columns(const std::int16_t* in, std::int16_t* between) noexcept {
  const __m256i p04 = pairs_of(in, 0, 4), p26 = pairs_of(in, 2, 6);
  const __m256i p13 = pairs_of(in, 1, 3), p57 = pairs_of(in, 5, 7);
  const __m256i half = _mm256_set1_epi32(1 << (kColumnShift - 1));
  __m256i row[8];
  for (int y = 0; y < 4; ++y) {
    const auto& e = kEvenPart[y];
    const auto& o = kOddPart[y];
    const __m256i even = sum(half, sum(times(p04, e[0], e[1]), times(p26, e[2], e[3])));
    const __m256i odd = sum(times(p13, o[0], o[1]), times(p57, o[2], o[3]));
    row[y] = _mm256_srai_epi32(sum(even, odd), kColumnShift);
    row[7 - y] = _mm256_srai_epi32(_mm256_sub_epi32(even, odd), kColumnShift);
  }
  for (int y = 0; y < 8; y += 2) {
    store(between + 8 * y, _mm256_permute4x64_epi64(_mm256_packs_epi32(row[y], row[y + 1]),
                                                    _MM_SHUFFLE(3, 1, 2, 0)));
  }
}

// The same of two rows at once, where only the first four columns and rows are not 0. Rows of
// `between` have four numbers.
inline void low_columns(const std::int16_t* in, std::int16_t* between) noexcept {
  const __m256i p02 = _mm256_broadcastsi128_si256(_mm_unpacklo_epi16(load16(in), load16(in + 16)));
  const __m256i p13 =
      _mm256_broadcastsi128_si256(_mm_unpacklo_epi16(load16(in + 8), load16(in + 24)));
  const __m256i half = _mm256_set1_epi32(1 << (kColumnShift - 1));
  __m256i rows[2], mirrored[2];  // 0 and 1, 2 and 3; 7 and 6, 5 and 4
  for (int i = 0; i < 2; ++i) {
    const auto& e = kEvenPart[2 * i];
    const auto& f = kEvenPart[2 * i + 1];
    const auto& o = kOddPart[2 * i];
    const auto& p = kOddPart[2 * i + 1];
    const __m256i even =
        sum(half, _mm256_madd_epi16(p02, two_pairs(pair(e[0], e[2]), pair(f[0], f[2]))));
    const __m256i odd = _mm256_madd_epi16(p13, two_pairs(pair(o[0], o[1]), pair(p[0], p[1])));
    rows[i] = _mm256_srai_epi32(sum(even, odd), kColumnShift);
    mirrored[i] = _mm256_srai_epi32(_mm256_sub_epi32(even, odd), kColumnShift);
  }
  // Packed within halves: rows 0, 2, 1, 3, and 5, 7, 4, 6.
  store(between,
        _mm256_permute4x64_epi64(_mm256_packs_epi32(rows[0], rows[1]), _MM_SHUFFLE(3, 1, 2, 0)));
  store(between + 16, _mm256_permute4x64_epi64(_mm256_packs_epi32(mirrored[1], mirrored[0]),
                                               _MM_SHUFFLE(1, 3, 0, 2)));
}

// The factors of coefficients 2 i and 2 i + 1 of a row for its eight samples.
struct RowFactors {
  alignas(32) std::int16_t of[4][16];
};
constexpr RowFactors kRowFactors = [] {
  RowFactors factors{};
  constexpr int kPlace[4] = {0, 2, 1, 3};  // of coefficients 0, 2, 4, 6 in kEvenPart
  for (int i = 0; i < 4; ++i) {
    for (int x = 0; x < 4; ++x) {
      const int even = kEvenPart[x][kPlace[i]], odd = kOddPart[x][i];
      factors.of[i][2 * x] = factors.of[i][2 * (7 - x)] = static_cast<std::int16_t>(even);
      factors.of[i][2 * x + 1] = static_cast<std::int16_t>(odd);
      factors.of[i][2 * (7 - x) + 1] = static_cast<std::int16_t>(-odd);
    }
  }
  return factors;
}();

// The eight samples of a row of 2 kPairs numbers, plus 128.
template <int kPairs>
inline __m256i samples_of(const std::int16_t* row) noexcept {
  __m256i total = _mm256_set1_epi32((1 << (kRowShift - 1)) + (128 << kRowShift));
  for (int i = 0; i < kPairs; ++i) {
    std::int32_t two;
    std::memcpy(&two, row + 2 * i, 4);
    const __m256i factors = _mm256_load_si256(reinterpret_cast<const __m256i*>(kRowFactors.of[i]));
    total = sum(total, _mm256_madd_epi16(_mm256_set1_epi32(two), factors));
  }
  return _mm256_srai_epi32(total, kRowShift);
}

template <int kPairs>
inline void rows(const std::int16_t* between, std::uint8_t* samples,
                 std::ptrdiff_t row_stride) noexcept {
  constexpr int kRow = 2 * kPairs;
  for (int y = 0; y < 8; y += 4) {
    const std::int16_t* const row = between + y * kRow;
    const __m256i ab = _mm256_packs_epi32(samples_of<kPairs>(row), samples_of<kPairs>(row + kRow));
    const __m256i cd =
        _mm256_packs_epi32(samples_of<kPairs>(row + 2 * kRow), samples_of<kPairs>(row + 3 * kRow));
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd),
                                                      _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const __m128i first = _mm256_castsi256_si128(bytes);
    const __m128i second = _mm256_extracti128_si256(bytes, 1);
    std::uint8_t* const to = samples + y * row_stride;
    store8(to, first);
    store8(to + row_stride, _mm_unpackhi_epi64(first, first));
    store8(to + 2 * row_stride, second);
    store8(to + 3 * row_stride, _mm_unpackhi_epi64(second, second));
  }
}

void inverse_dct(const std::int16_t* coefficients, std::uint8_t* samples,
                 std::ptrdiff_t row_stride) noexcept {
  alignas(32) std::int16_t between[64];
  columns(coefficients, between);
  rows<4>(between, samples, row_stride);
}

void inverse_low_dct(const std::int16_t* coefficients, std::uint8_t* samples,
                     std::ptrdiff_t row_stride) noexcept {
  alignas(32) std::int16_t between[32];
  low_columns(coefficients, between);
  rows<2>(between, samples, row_stride);
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
  const __m256i low = times(_mm256_unpacklo_epi16(b, r), -22554, 18734);
  const __m256i high = times(_mm256_unpackhi_epi16(b, r), -22554, 18734);
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

constexpr JpegKernels kTable = {inverse_dct, inverse_low_dct, double_across, double_both, to_rgb};

}  // namespace haswell

const JpegKernels* const kJpegHaswell = &haswell::kTable;

}  // namespace lightmeter::decode

#include "kernels/haswell_end.hpp"

#else

namespace lightmeter::decode {
const JpegKernels* const kJpegHaswell = nullptr;
}

#endif
