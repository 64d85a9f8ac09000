// What the kernels of the vector tier are made of, for NEON. avx2.hpp says more of the same names.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/tier.hpp"

namespace lightmeter::kernels::vector {

inline constexpr std::string_view kName = "neon";
inline constexpr std::size_t kWidth = 16;
using Bytes = uint8x16_t;

inline float32x4_t minimum(float32x4_t a, float32x4_t b) noexcept { return vminq_f32(a, b); }
inline float32x4_t maximum(float32x4_t a, float32x4_t b) noexcept { return vmaxq_f32(a, b); }
inline float64x2_t minimum(float64x2_t a, float64x2_t b) noexcept { return vminq_f64(a, b); }
inline float64x2_t maximum(float64x2_t a, float64x2_t b) noexcept { return vmaxq_f64(a, b); }

inline Bytes load_for_zips(const std::uint8_t* p) noexcept { return vld1q_u8(p); }
inline void store_zipped_once(void* p, Bytes v) noexcept {
  vst1q_u8(static_cast<std::uint8_t*>(p), v);
}

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

inline constexpr std::size_t kLumaPixels = 16;
inline void luma_group(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::uint8_t* luma) noexcept {
  const uint8x16_t r = vld1q_u8(red), g = vld1q_u8(green), b = vld1q_u8(blue);
  vst1q_u8(luma, vcombine_u8(luma_of_8(vget_low_u8(r), vget_low_u8(g), vget_low_u8(b)),
                             luma_of_8(vget_high_u8(r), vget_high_u8(g), vget_high_u8(b))));
}

inline bool is_empty_run(const std::uint8_t* cells) noexcept {
  return vminvq_u8(vandq_u8(vld1q_u8(cells), vld1q_u8(cells + 16))) == kNoneCounted;
}

using Pixel = uint8x8_t;

template <std::size_t kSize>
inline Pixel read_pixel(const std::uint8_t* from) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, from, kSize);
  return vcreate_u8(number);
}
inline Pixel add(Pixel a, Pixel b) noexcept { return vadd_u8(a, b); }

struct Average {
  Pixel left = vdup_n_u8(0);
  Pixel operator()(Pixel coded, Pixel above) noexcept {
    return left = vadd_u8(coded, vhadd_u8(left, above));
  }
};

// As that of avx2.hpp.
struct Paeth {
  Pixel left = vdup_n_u8(0);
  Pixel up_left = vdup_n_u8(0);
  static int16x8_t wide(Pixel pixel) noexcept { return vreinterpretq_s16_u16(vmovl_u8(pixel)); }
  Pixel operator()(Pixel coded, Pixel above) noexcept {
    const int16x8_t corner = wide(up_left);
    const int16x8_t threshold =
        vsubq_s16(vsubq_s16(vmulq_n_s16(corner, 3), wide(above)), wide(left));
    const int16x8_t low = wide(vmin_u8(left, above));
    const int16x8_t high = wide(vmax_u8(left, above));
    const int16x8_t below = vbslq_s16(vcleq_s16(high, threshold), low, corner);
    const int16x8_t nearest = vbslq_s16(vcleq_s16(threshold, low), high, below);
    up_left = above;
    return left = vadd_u8(coded, vmovn_u16(vreinterpretq_u16_s16(nearest)));
  }
};

}  // namespace lightmeter::kernels::vector
