#include "kernels/hue.hpp"
#include "kernels/kernels.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace lightmeter::kernels {
namespace neon {

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

inline float32x4_t to_float(uint16x4_t v) noexcept { return vcvtq_f32_u32(vmovl_u16(v)); }

// trunc(numerator / denominator): a float32 quotient of integers this small is never rounded up to
// the next integer.
inline uint8x8_t quotient_of(uint16x8_t numerator, uint16x8_t denominator) noexcept {
  const float32x4_t low =
      vdivq_f32(to_float(vget_low_u16(numerator)), to_float(vget_low_u16(denominator)));
  const float32x4_t high =
      vdivq_f32(to_float(vget_high_u16(numerator)), to_float(vget_high_u16(denominator)));
  return vmovn_u16(vcombine_u16(vmovn_u32(vcvtq_u32_f32(low)), vmovn_u32(vcvtq_u32_f32(high))));
}

inline uint8x16_t rounded_down(uint8x16_t hue) noexcept {
  static constexpr std::uint8_t kBit[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                            1, 2, 4, 8, 16, 32, 64, 128};
  // A lookup gives 0 where the index is 16 or more: each half of the table answers for its hues.
  const uint8x16_t index = vandq_u8(hue, vdupq_n_u8(0x8f));
  const uint8x16_t lower = vqtbl1q_u8(vld1q_u8(kRoundedDown.half[0]), index);
  const uint8x16_t upper =
      vqtbl1q_u8(vld1q_u8(kRoundedDown.half[1]), veorq_u8(index, vdupq_n_u8(0x80)));
  return vtstq_u8(vorrq_u8(lower, upper), vqtbl1q_u8(vld1q_u8(kBit), vshrq_n_u8(hue, 4)));
}

// The hue of 16 pixels, as value_chroma_hue() of hue.hpp.
inline uint8x16_t hue_of(uint8x16_t red, uint8x16_t green, uint8x16_t blue, uint8x16_t value,
                         uint8x16_t chroma) noexcept {
  const uint8x16_t is_red = vceqq_u8(red, value);
  const uint8x16_t is_green = vceqq_u8(green, value);
  const uint8x16_t next = vbslq_u8(is_red, green, vbslq_u8(is_green, blue, red));
  const uint8x16_t previous = vbslq_u8(is_red, blue, vbslq_u8(is_green, red, green));
  const uint8x16_t odd = vcltq_u8(next, previous);
  const uint8x16_t odd_chroma = vandq_u8(odd, chroma);
  // Modulo 256, chroma - (previous - next) is chroma + (next - previous).
  const uint8x16_t x = vaddq_u8(vsubq_u8(next, previous), odd_chroma);

  const uint8x8_t scale = vdup_n_u8(85), two = vdup_n_u8(2);
  const uint16x8_t low = vaddw_u8(vmull_u8(vget_low_u8(x), scale), vget_low_u8(odd_chroma));
  const uint16x8_t high = vaddw_u8(vmull_u8(vget_high_u8(x), scale), vget_high_u8(odd_chroma));
  const uint8x16_t divisor = vmaxq_u8(chroma, vdupq_n_u8(1));
  const uint16x8_t divisor_low = vmull_u8(vget_low_u8(divisor), two);
  const uint16x8_t divisor_high = vmull_u8(vget_high_u8(divisor), two);
  const uint8x8_t quotient_low = quotient_of(low, divisor_low);
  const uint8x8_t quotient_high = quotient_of(high, divisor_high);
  const uint8x16_t exact =
      vcombine_u8(vmovn_u16(vceqq_u16(vmulq_u16(vmovl_u8(quotient_low), divisor_low), low)),
                  vmovn_u16(vceqq_u16(vmulq_u16(vmovl_u8(quotient_high), divisor_high), high)));

  const uint8x16_t even_base =
      vbslq_u8(is_red, vdupq_n_u8(kEvenSector[0]),
               vbslq_u8(is_green, vdupq_n_u8(kEvenSector[1]), vdupq_n_u8(kEvenSector[2])));
  const uint8x16_t odd_base =
      vbslq_u8(is_red, vdupq_n_u8(kOddSector[0]),
               vbslq_u8(is_green, vdupq_n_u8(kOddSector[1]), vdupq_n_u8(kOddSector[2])));
  const uint8x16_t hue =
      vaddq_u8(vbslq_u8(odd, odd_base, even_base), vcombine_u8(quotient_low, quotient_high));
  return vaddq_u8(hue, vandq_u8(exact, rounded_down(hue)));  // a mask of 255 is -1
}

// high << 8 | low for 16 pixels.
inline void store_pairs(std::uint16_t* out, uint8x16_t high, uint8x16_t low) noexcept {
  vst1q_u16(out, vreinterpretq_u16_u8(vzip1q_u8(low, high)));
  vst1q_u16(out + 8, vreinterpretq_u16_u8(vzip2q_u8(low, high)));
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint16_t* red_green, std::uint16_t* value_chroma,
                 std::uint16_t* blue_hue) noexcept {
  for (std::size_t i = 0; i < n; i += 16) {
    const uint8x16_t r = vld1q_u8(red + i), g = vld1q_u8(green + i), b = vld1q_u8(blue + i);
    const uint8x16_t value = vmaxq_u8(vmaxq_u8(r, g), b);
    const uint8x16_t chroma = vsubq_u8(value, vminq_u8(vminq_u8(r, g), b));
    store_pairs(red_green + i, r, g);
    store_pairs(value_chroma + i, value, chroma);
    store_pairs(blue_hue + i, b, hue_of(r, g, b, value, chroma));
  }
}

constexpr Kernels kTable = {"neon", split<3, split_packed_group>, split<4, split_padded_group>,
                            colour_keys, &kSort};

}  // namespace neon

const Kernels* const kNeon = &neon::kTable;

}  // namespace lightmeter::kernels

#else

namespace lightmeter::kernels {
const Kernels* const kNeon = nullptr;
}

#endif
