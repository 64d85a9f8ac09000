#pragma once

#include <cstddef>
#include <cstdint>

namespace lightmeter {

enum class SampleType : std::uint8_t { kUint8, kUint16, kInt32, kFloat32, kFloat64 };

// A non-owning view of one image's samples in whatever layout they lie in memory.
//
// The sample of channel c at column x and row y is at
//   data[y * row_stride + x * pixel_stride + c * channel_stride].
// Strides are in bytes, of any sign, and need not be aligned, so interleaved, padded (Pillow's
// RGBX), planar, flipped and BGR images (data at red, channel_stride = -1) are all views, never
// copies. Only colour channels are in a view: 1 (gray) or 3 (red, green, blue, in that order).
// Alpha and padding are skipped by pixel_stride.
struct Pixels {
  const std::uint8_t* data = nullptr;
  std::ptrdiff_t width = 0;
  std::ptrdiff_t height = 0;
  int channels = 3;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t pixel_stride = 0;
  std::ptrdiff_t channel_stride = 1;

  SampleType type = SampleType::kUint8;
  bool swapped = false;  // samples have the byte order that this machine does not have
  // The samples of black and white; 8-bit samples are always 0..255 and do not look at these.
  double low = 0;
  double high = 0;
};

}  // namespace lightmeter
