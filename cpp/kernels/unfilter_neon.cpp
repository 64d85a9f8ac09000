#include "kernels/unfilter.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>

#include <cstring>

namespace lightmeter::kernels::neon {
namespace {

using Bytes = uint8x8_t;

// In the lowest bytes.
template <std::size_t kSize>
inline Bytes read(const std::uint8_t* from) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, from, kSize);
  return vcreate_u8(number);
}
template <std::size_t kSize>
inline void write(std::uint8_t* to, Bytes bytes) noexcept {
  const std::uint64_t number = vget_lane_u64(vreinterpret_u64_u8(bytes), 0);
  std::memcpy(to, &number, kSize);
}
inline Bytes add(Bytes a, Bytes b) noexcept { return vadd_u8(a, b); }

struct Average {
  Bytes left = vdup_n_u8(0);
  Bytes operator()(Bytes coded, Bytes above) noexcept {
    return left = vadd_u8(coded, vhadd_u8(left, above));
  }
};

// As that of unfilter_haswell.cpp.
struct Paeth {
  Bytes left = vdup_n_u8(0);
  Bytes up_left = vdup_n_u8(0);
  static int16x8_t wide(Bytes bytes) noexcept { return vreinterpretq_s16_u16(vmovl_u8(bytes)); }
  Bytes operator()(Bytes coded, Bytes above) noexcept {
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

#include "kernels/unfilter_steps.inl"

}  // namespace

const Unfilter kUnfilter = {sub, up, walk<Average>, walk<Paeth>};

}  // namespace lightmeter::kernels::neon

#endif
