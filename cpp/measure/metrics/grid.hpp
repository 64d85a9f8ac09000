#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "measure/metric.hpp"
#include "measure/metrics/boxes.hpp"
#include "measure/metrics/sharpness.hpp"
#include "nan.hpp"

namespace lightmeter::measure {

// Where in the image it is bright, and where it is sharp: the mean luma of each cell of a grid, and
// the Sharpness there.
struct Grid {
  static constexpr Set kSet = Set::kCamera;
  static constexpr bool kNeedsSize = true;
  static constexpr int kSide = 4;
  using Cells = Boxes<kSide, kSide>;

#define LIGHTMETER_LUMA(r, c)                                     \
  Number{"Grid.r" #r "c" #c,                                      \
         Role::kPlain,                                            \
         Scale::kSample,                                          \
         Group::kWhere,                                           \
         false,                                                   \
         "the mean luma of the cell in row " #r " and column " #c \
         " of a 4 x 4 grid, counted from 0 at the top left: higher is brighter"}
#define LIGHTMETER_SHARPNESS(r, c)                                \
  Number{"Grid.r" #r "c" #c ".sharpness",                         \
         Role::kPlain,                                            \
         Scale::kSquares,                                         \
         Group::kWhere,                                           \
         false,                                                   \
         "the sharpness of the cell in row " #r " and column " #c \
         " of a 4 x 4 grid, which is the variance of its Laplacian: higher is sharper"}
#define LIGHTMETER_ROW(number, r) number(r, 0), number(r, 1), number(r, 2), number(r, 3)
#define LIGHTMETER_GRID(number)                                                    \
  LIGHTMETER_ROW(number, 0), LIGHTMETER_ROW(number, 1), LIGHTMETER_ROW(number, 2), \
      LIGHTMETER_ROW(number, 3)
  static constexpr std::array kNumbers{
      LIGHTMETER_GRID(LIGHTMETER_LUMA), LIGHTMETER_GRID(LIGHTMETER_SHARPNESS),
      Number{"Vignetting", Role::kPlain, Scale::kRatio, Group::kWhere, false,
             "the luma of the corners over that of the centre: 1 where they are alike, lower "
             "where the corners are darker"}};
#undef LIGHTMETER_GRID
#undef LIGHTMETER_ROW
#undef LIGHTMETER_SHARPNESS
#undef LIGHTMETER_LUMA

  BoxLuma<kSide, kSide> luma;
  std::array<Sharpness, Cells::kCount> sharpness{};

  void start(const Frame& frame) noexcept { luma.boxes.frame = frame; }

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    luma.pixels(row);
  }

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    if (luma.boxes.frame.height == 0) return;
    const std::size_t first_box = luma.boxes.first_box(row.y);
    for (int column = 0; column < kSide; ++column) {
      const auto [box, first, last] = luma.boxes.part(first_box, column, row.x, row.n);
      if (first == last) continue;
      LumaRow<S> part = row;
      part.above = row.above.from(first - row.x);
      part.here = row.here.from(first - row.x);
      part.below = row.below.from(first - row.x);
      part.n = static_cast<std::size_t>(last - first);
      sharpness[box].neighbours(part);
    }
  }

  void add(const Grid& other) noexcept {
    luma.add(other.luma);
    for (std::size_t box = 0; box < Cells::kCount; ++box) {
      sharpness[box].add(other.sharpness[box]);
    }
  }

  void read(const ImageFacts& image, std::span<double> out) const noexcept {
    for (std::size_t box = 0; box < Cells::kCount; ++box) {
      out[box] = ratio(luma.sum[box], luma.n[box]) / image.step;
      sharpness[box].read(image, out.subspan(Cells::kCount + box, 1));
    }
    const double corners = mean({0, 3, 12, 15});
    const double centre = mean({5, 6, 9, 10});
    out[2 * Cells::kCount] = centre > 0.0 ? corners / centre : kNan;
  }

  friend bool operator==(const Grid&, const Grid&) = default;

 private:
  [[nodiscard]] static double ratio(std::uint64_t sum, std::uint64_t n) noexcept {
    return n == 0 ? kNan : static_cast<double>(sum) / static_cast<double>(n);
  }

  // Of cells together, each pixel weighing the same.
  [[nodiscard]] double mean(const std::array<std::size_t, 4>& boxes) const noexcept {
    std::uint64_t sum = 0;
    std::uint64_t n = 0;
    for (const std::size_t box : boxes) {
      sum += luma.sum[box];
      n += luma.n[box];
    }
    return ratio(sum, n);
  }
};

}  // namespace lightmeter::measure
