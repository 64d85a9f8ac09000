#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "kernels/compiler.hpp"
#include "measure/area.hpp"
#include "measure/image_counts.hpp"
#include "measure/number.hpp"
#include "nan.hpp"

namespace lightmeter::measure {

// A metric is a struct in a file of its own in metrics/, and a name in the tuple of metrics.hpp:
//
//   static constexpr Set kSet                 the smallest set that has it
//   static constexpr std::array kNumbers      what it yields
//   read(image, out)                          one amount per number; NaN, or none of a hash, where
//                                             it is not defined
// and, where it needs more than the histograms:
//   sums(metric), or add(other)               what joins what other pixels of the same image gave:
//                                             references to the sums to be added
//   start(frame, area)                        before the first pixel; all will be in the area
//   pixels(PixelRow)                          sees each pixel once
//   neighbours(LumaRow)                       sees each pixel once, with the eight around it,
//                                             unless one of the nine is ignored
//   static constexpr bool kNeedsSize = true   only measured where the size is known before
//
// What it keeps are integers, so no result depends on tiles, threads or tiers. Rows come in any
// order, and in runs of any length up to the width; an accumulator of 32 bits must not assume less.
// Samples S are std::uint8_t, or std::uint16_t of a deep image.

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

using Amount = decltype(Value::amount);

// The size of an image; the height is 0 where it is not known yet.
struct Frame {
  std::int64_t width = 0;
  std::int64_t height = 0;

  friend bool operator==(const Frame&, const Frame&) = default;
};

// A run of pixels in a row, the first at column x. Of a gray image all four are the same.
template <class S>
struct PixelRow {
  const S* red;
  const S* green;
  const S* blue;
  const S* luma;  // as Pillow's convert("L")
  std::size_t n;
  std::int64_t x, y;
};

// Integers that hold the difference of a few samples. Narrow ones are many to a register.
template <class S>
using Difference = std::conditional_t<sizeof(S) == 1, std::int16_t, std::int32_t>;

// The luma of a run of pixels in a row, and what several metrics need of it: the same as wider
// integers, and its second difference along the row, left - 2 here + right.
template <class S>
struct LumaLine {
  const S* luma;
  const Difference<S>* wide;
  const Difference<S>* bend;

  [[nodiscard]] LumaLine from(std::ptrdiff_t x) const noexcept {
    return {luma + x, wide + x, bend + x};
  }
};

// A run of pixels and those around it: elements -1 to n of the luma are there. Beyond the border of
// the image it mirrors it, without the border itself (reflect-101).
template <class S>
struct LumaRow {
  LumaLine<S> above, here, below;
  std::size_t n;
  std::int64_t x, y;
  bool left, right, top, bottom;  // whether the run touches that border of the image

  // [0 1 0; 1 -4 1; 0 1 0]
  [[nodiscard]] LIGHTMETER_INLINE Difference<S> laplacian(std::size_t i) const noexcept {
    return static_cast<Difference<S>>(here.bend[i] + above.wide[i] - 2 * here.wide[i] +
                                      below.wide[i]);
  }
};

// What numbers are read from, besides the metric's own state.
struct ImageFacts {
  const ImageCounts& counts;
  std::uint64_t pixels;  // counted, which leaves out the ignored ones
  Frame frame;           // the whole image
  double step;           // a step of the 8-bit scale in samples: 1, or 257 of a deep image
  bool is_whole = true;  // whether every pixel of the image came, to be counted or ignored
};

}  // namespace lightmeter::measure
