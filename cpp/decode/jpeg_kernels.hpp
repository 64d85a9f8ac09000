#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tier.hpp"

namespace lightmeter::decode {

// Where a kernel reads or writes n samples, there is room for this many more.
inline constexpr std::size_t kJpegRoom = 64;

// The loops that exist once per instruction set. jpeg_scalar.cpp is their specification: every tier
// gives the same bytes. Pointers need no alignment, but for that of the coefficients, 64 bytes.
struct JpegKernels {
  // 8x8 samples of a JpegBlock: 8 bytes in each row.
  void (*inverse_dct)(const std::int16_t* coefficients, std::uint8_t* samples,
                      std::ptrdiff_t row_stride) noexcept;

  // The same of a low block.
  void (*inverse_low_dct)(const std::int16_t* coefficients, std::uint8_t* samples,
                          std::ptrdiff_t row_stride) noexcept;

  // Twice as many samples as the n of a row: libjpeg's "fancy upsampling" across. in[-1] and in[n]
  // can be read, and equal their neighbours.
  void (*double_across)(const std::uint8_t* in, std::size_t n, std::uint8_t* out) noexcept;

  // The same across and down: a row between `near` and `far`, one quarter of the way.
  void (*double_both)(const std::uint8_t* near, const std::uint8_t* far, std::size_t n,
                      std::uint8_t* out) noexcept;

  // The colours of n pixels, as JFIF defines them: libjpeg's tables.
  void (*to_rgb)(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                 std::size_t n, std::uint8_t* red, std::uint8_t* green,
                 std::uint8_t* blue) noexcept;
};

namespace scalar {
extern const JpegKernels kJpeg;
}
namespace vector {  // AVX2 alone; on Arm the scalar ones serve
extern const JpegKernels kJpeg;
}

[[nodiscard]] inline const JpegKernels& jpeg_kernels(
    [[maybe_unused]] const kernels::Tier& tier) noexcept {
#if defined(__x86_64__)
  if (tier.has_vectors) return vector::kJpeg;
#endif
  return scalar::kJpeg;
}

}  // namespace lightmeter::decode
