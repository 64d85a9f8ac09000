#pragma once

#include <cstddef>

namespace lightmeter::kernels {

inline constexpr std::size_t kLeastSort = 256;

// Loops over floating-point values for the sketches, per tier like those of kernels.hpp.
struct SortKernels {
  // Sort n finite values, none of them -0.0, into `sorted`; n is a power of two, at least
  // kLeastSort. What `values` is left with is not specified.
  void (*sort_floats)(float* values, float* sorted, std::size_t n) noexcept;
  void (*sort_doubles)(double* values, double* sorted, std::size_t n) noexcept;

  // Copy n values, a multiple of 16 and not 0, with -0.0 made 0.0, and find their extrema. Return
  // false if one of them is NaN or infinite; then nothing else is meaningful.
  bool (*scan_floats)(const float* values, float* copy, std::size_t n, float* least,
                      float* greatest) noexcept;
  bool (*scan_doubles)(const double* values, double* copy, std::size_t n, double* least,
                       double* greatest) noexcept;
};

// The kernels of the tier that active() chose.
[[nodiscard]] const SortKernels& active_sort();

namespace scalar {
extern const SortKernels kSort;
}
namespace haswell {
extern const SortKernels kSort;
}
namespace neon {
extern const SortKernels kSort;
}

}  // namespace lightmeter::kernels
