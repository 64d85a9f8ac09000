#include <algorithm>
#include <array>

#include "decode/jpeg_dct.hpp"
#include "decode/jpeg_kernels.hpp"

namespace lightmeter::decode::scalar {
namespace {

std::uint8_t clamped(int sample) noexcept {
  return static_cast<std::uint8_t>(std::clamp(sample, 0, 255));
}

void inverse_dct(const std::int16_t* coefficients, std::uint8_t* samples,
                 std::ptrdiff_t row_stride) noexcept {
  std::array<int, 64> between;
  for (int x = 0; x < 8; ++x) {
    decode::inverse_dct<kColumnShift>(coefficients + 8 * x, [&](int y, int value) {
      between[static_cast<std::size_t>(8 * y + x)] = value;
    });
  }
  for (int y = 0; y < 8; ++y) {
    std::uint8_t* const row = samples + y * row_stride;
    decode::inverse_dct<kRowShift>(&between[static_cast<std::size_t>(8 * y)],
                                   [&](int x, int value) { row[x] = clamped(value + 128); });
  }
}

void double_across(const std::uint8_t* in, std::size_t n, std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    out[2 * i] = static_cast<std::uint8_t>((3 * in[i] + *(in + i - 1) + 1) >> 2);
    out[2 * i + 1] = static_cast<std::uint8_t>((3 * in[i] + in[i + 1] + 2) >> 2);
  }
}

void double_both(const std::uint8_t* near, const std::uint8_t* far, std::size_t n,
                 std::uint8_t* out) noexcept {
  int last = 3 * *(near - 1) + *(far - 1);
  int here = 3 * near[0] + far[0];
  for (std::size_t i = 0; i < n; ++i) {
    const int next = 3 * near[i + 1] + far[i + 1];
    out[2 * i] = static_cast<std::uint8_t>((3 * here + last + 8) >> 4);
    out[2 * i + 1] = static_cast<std::uint8_t>((3 * here + next + 7) >> 4);
    last = here;
    here = next;
  }
}

// 1.402, 0.71414, 0.34414 and 1.772 in 16 bits of fraction.
void to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr, std::size_t n,
            std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue) noexcept {
  constexpr int kHalf = 1 << 15;
  for (std::size_t i = 0; i < n; ++i) {
    const int b = cb[i] - 128, r = cr[i] - 128;
    red[i] = clamped(y[i] + ((91881 * r + kHalf) >> 16));
    green[i] = clamped(y[i] + ((-22554 * b - 46802 * r + kHalf) >> 16));
    blue[i] = clamped(y[i] + ((116130 * b + kHalf) >> 16));
  }
}

}  // namespace

const JpegKernels kJpeg = {inverse_dct, inverse_dct, double_across, double_both, to_rgb};

}  // namespace lightmeter::decode::scalar
