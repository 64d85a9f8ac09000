#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/hsv.hpp"
#include "kernels/kernels.hpp"
#include "kernels/key_sums.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace lightmeter::kernels {
namespace neon {

#include "kernels/luma_groups.inl"
#include "kernels/split_groups.inl"

inline void split_packed_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  for (std::size_t i = 0; i < kGroup; i += 16) {
    const uint8x16x3_t v = vld3q_u8(pixels + 3 * i);
    vst1q_u8(first + i, v.val[0]);
    vst1q_u8(second + i, v.val[1]);
    vst1q_u8(third + i, v.val[2]);
  }
}

inline void split_padded_group(const std::uint8_t* pixels, std::uint8_t* first,
                               std::uint8_t* second, std::uint8_t* third) noexcept {
  for (std::size_t i = 0; i < kGroup; i += 16) {
    const uint8x16x4_t v = vld4q_u8(pixels + 4 * i);
    vst1q_u8(first + i, v.val[0]);
    vst1q_u8(second + i, v.val[1]);
    vst1q_u8(third + i, v.val[2]);
  }
}

// sector << 16 | high << 8 | low.
inline void store_keys(std::uint32_t* to, uint8x16_t sector, uint8x16_t high,
                       uint8x16_t low) noexcept {
  const uint8x16_t zero = vdupq_n_u8(0);
  const uint16x8x2_t first = {
      {vreinterpretq_u16_u8(vzip1q_u8(low, high)), vreinterpretq_u16_u8(vzip1q_u8(sector, zero))}};
  const uint16x8x2_t second = {
      {vreinterpretq_u16_u8(vzip2q_u8(low, high)), vreinterpretq_u16_u8(vzip2q_u8(sector, zero))}};
  vst2q_u16(reinterpret_cast<std::uint16_t*>(to), first);
  vst2q_u16(reinterpret_cast<std::uint16_t*>(to + 8), second);
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                 std::uint16_t* middle) noexcept {
  for (std::size_t i = 0; i < n; i += 16) {
    const uint8x16_t r = vld1q_u8(red + i), g = vld1q_u8(green + i), b = vld1q_u8(blue + i);
    const uint8x16_t max = vmaxq_u8(vmaxq_u8(r, g), b);
    const uint8x16_t min = vminq_u8(vminq_u8(r, g), b);
    const uint8x16_t is_red = vceqq_u8(r, max);
    const uint8x16_t is_green = vceqq_u8(g, max);
    const uint8x16_t next = vbslq_u8(is_red, g, vbslq_u8(is_green, b, r));
    const uint8x16_t previous = vbslq_u8(is_red, b, vbslq_u8(is_green, r, g));
    const uint8x16_t odd = vcltq_u8(next, previous);  // -1 where true
    // 2 largest - odd, modulo 6.
    const uint8x16_t even_above = vbslq_u8(is_red, vandq_u8(odd, vdupq_n_u8(6)),
                                           vbslq_u8(is_green, vdupq_n_u8(2), vdupq_n_u8(4)));
    const uint8x16_t sector = vaddq_u8(even_above, odd);
    const uint8x16_t chroma = vsubq_u8(max, min);
    // next - previous is middle - min, or middle's negative distance from min: modulo 256.
    const uint8x16_t x = vaddq_u8(vsubq_u8(next, previous), vandq_u8(odd, chroma));
    store_keys(value_min + i, sector, max, min);
    store_keys(chroma_x + i, sector, chroma, x);
    const uint8x16x2_t mid = {{vmaxq_u8(next, previous), sector}};
    vst2q_u8(reinterpret_cast<std::uint8_t*>(middle + i), mid);
  }
}

// The bytes of cell_of, of which each has two parts.
void colour_cells(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                  std::size_t n, std::uint32_t* cells) noexcept {
  const uint8x16_t high5 = vdupq_n_u8(0xf8);
  for (std::size_t i = 0; i < n; i += 16) {
    const uint8x16_t g = vld1q_u8(green + i);
    const uint8x16_t a = vsubq_u8(vld1q_u8(red + i), g);
    const uint8x16_t b = vsubq_u8(vld1q_u8(blue + i), g);
    store_keys(cells + i, vbslq_u8(high5, a, vshrq_n_u8(g, 5)), vbslq_u8(high5, b, a),
               vsliq_n_u8(g, b, 5));
  }
}

// See luma_of. The narrowing shift rounds: it adds 128.
inline uint8x8_t luma_of_8(uint8x8_t red, uint8x8_t green, uint8x8_t blue) noexcept {
  uint16x8_t high = vmull_u8(red, vdup_n_u8(kRedWeight >> 8));
  high = vmlal_u8(high, green, vdup_n_u8(kGreenWeight >> 8));
  high = vmlal_u8(high, blue, vdup_n_u8(kBlueWeight >> 8));
  uint16x8_t low = vmull_u8(red, vdup_n_u8(kRedWeight & 0xFF));
  low = vmlal_u8(low, green, vdup_n_u8(kGreenWeight & 0xFF));
  low = vmlal_u8(low, blue, vdup_n_u8(kBlueWeight & 0xFF));
  return vrshrn_n_u16(vsraq_n_u16(high, low, 8), 8);
}

inline void luma_group(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::uint8_t* luma) noexcept {
  const uint8x16_t r = vld1q_u8(red), g = vld1q_u8(green), b = vld1q_u8(blue);
  vst1q_u8(luma, vcombine_u8(luma_of_8(vget_low_u8(r), vget_low_u8(g), vget_low_u8(b)),
                             luma_of_8(vget_high_u8(r), vget_high_u8(g), vget_high_u8(b))));
}

inline bool is_zero_line(const std::uint16_t* numbers) noexcept {
  const uint16x8_t any = vorrq_u16(vorrq_u16(vld1q_u16(numbers), vld1q_u16(numbers + 8)),
                                   vorrq_u16(vld1q_u16(numbers + 16), vld1q_u16(numbers + 24)));
  return vmaxvq_u16(any) == 0;
}

inline bool is_empty_run(const std::uint8_t* cells) noexcept {
  return vminvq_u8(vandq_u8(vld1q_u8(cells), vld1q_u8(cells + 16))) == kNoneCounted;
}

#include "kernels/read_keys.inl"
#include "kernels/read_page.inl"

constexpr Kernels kTable = {"neon",
                            split<3, split_packed_group>,
                            split<4, split_padded_group>,
                            colour_keys,
                            luma<16, luma_group>,
                            colour_cells,
                            read_keys,
                            read_page};

}  // namespace neon

const Kernels* const kNeon = &neon::kTable;

}  // namespace lightmeter::kernels

#else

namespace lightmeter::kernels {
const Kernels* const kNeon = nullptr;
}

#endif
