#include "kernels/sort.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/haswell_begin.hpp"

namespace lightmeter::kernels::haswell {

struct Floats {
  using Value = float;
  using Vector = __m256;
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kBlock = 16;
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) noexcept {
    return _mm256_min_ps(a, b);
  }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) noexcept {
    return _mm256_max_ps(a, b);
  }
  [[gnu::always_inline]] static Vector all(float value) noexcept { return _mm256_set1_ps(value); }
};

struct Doubles {
  using Value = double;
  using Vector = __m256d;
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kBlock = 16;
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) noexcept {
    return _mm256_min_pd(a, b);
  }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) noexcept {
    return _mm256_max_pd(a, b);
  }
  [[gnu::always_inline]] static Vector all(double value) noexcept { return _mm256_set1_pd(value); }
};

#include "kernels/sort_network.inl"

const SortKernels kSort = {sort<Floats>, sort<Doubles>, scan<Floats>, scan<Doubles>};

}  // namespace lightmeter::kernels::haswell

#include "kernels/haswell_end.hpp"

#endif
