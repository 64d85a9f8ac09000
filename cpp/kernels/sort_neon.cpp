#include "kernels/sort.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lightmeter::kernels::neon {

struct Floats {
  using Value = float;
  using Vector = float32x4_t;
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kBlock = 16;
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) noexcept { return vminq_f32(a, b); }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) noexcept { return vmaxq_f32(a, b); }
  [[gnu::always_inline]] static Vector all(float value) noexcept { return vdupq_n_f32(value); }
};

struct Doubles {
  using Value = double;
  using Vector = float64x2_t;
  static constexpr std::size_t kLanes = 2;
  static constexpr std::size_t kBlock = 16;
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) noexcept { return vminq_f64(a, b); }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) noexcept { return vmaxq_f64(a, b); }
  [[gnu::always_inline]] static Vector all(double value) noexcept { return vdupq_n_f64(value); }
};

#include "kernels/sort_network.inl"

const SortKernels kSort = {sort<Floats>, sort<Doubles>, scan<Floats>, scan<Doubles>};

}  // namespace lightmeter::kernels::neon

#endif
