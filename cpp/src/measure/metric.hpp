#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/measure/number.hpp"
#include "lightmeter/nan.hpp"

// Loops over samples are compiled once per instruction set: they are inlined into the functions of
// rows.inl, which each tier has.
#define LIGHTMETER_INLINE [[gnu::always_inline]] inline

namespace lightmeter::measure {

// A metric is a struct in a file of its own in metrics/, and a name in the tuple of metrics.hpp:
//
//   static constexpr Set kSet                 the smallest set that has it
//   static constexpr std::array kNumbers      what it yields
//   read(image, out)                          one value per number; NaN where it is not defined
//   hash(image)                               instead of read, of the one number of Scale::kHash
// and, where it needs more than the histograms:
//   add(other)                                joins what other pixels of the same image gave
//   start(frame)                              before the first pixel
//   pixels(PixelRow)                          sees each pixel once
//   neighbours(LumaRow)                       sees each pixel once, with the eight around it,
//                                             unless one of the nine is ignored
//   static constexpr bool kNeedsSize = true   only measured where the size is known before
//
// What it keeps are integers, so no result depends on tiles, threads or tiers. Rows come in any
// order, and in runs of any length up to the width; an accumulator of 32 bits must not assume less. Samples S are
// std::uint8_t, or std::uint16_t of a deep image.

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

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

// The luma of a run of pixels and around it: elements -1 to n of all three rows are there. Beyond
// the border of the image they mirror it, without the border itself (reflect-101).
template <class S>
struct LumaRow {
  const S* above;
  const S* here;
  const S* below;
  std::size_t n;
  std::int64_t x, y;
  bool left, right, top, bottom;  // whether the run touches that border of the image
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
