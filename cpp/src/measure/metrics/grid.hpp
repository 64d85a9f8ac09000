#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "lightmeter/nan.hpp"
#include "measure/metric.hpp"
#include "measure/metrics/boxes.hpp"
#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// Where in the image it is bright, and where it is sharp: the mean luma of each cell of a grid, and
// the variance of the Laplacian there.
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

  struct Laplacians {
    std::uint64_t n = 0;
    std::int64_t sum = 0;
    Wide squares = 0;
    friend bool operator==(const Laplacians&, const Laplacians&) = default;
  };

  BoxLuma<kSide, kSide> luma;
  std::array<Laplacians, Cells::kCount> laplacians{};

  void start(const Frame& frame) noexcept { luma.boxes.frame = frame; }

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    luma.pixels(row);
  }

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    if (luma.boxes.frame.height == 0) return;
    for (int column = 0; column < kSide; ++column) {
      const auto [box, first, last] = luma.boxes.part(column, row.x, row.y, row.n);
      count(row, first - row.x, last - row.x, laplacians[box]);
    }
  }

  void add(const Grid& other) noexcept {
    luma.add(other.luma);
    for (std::size_t box = 0; box < Cells::kCount; ++box) {
      laplacians[box].n += other.laplacians[box].n;
      laplacians[box].sum += other.laplacians[box].sum;
      laplacians[box].squares += other.laplacians[box].squares;
    }
  }

  void read(const ImageFacts& image, std::span<double> out) const noexcept {
    for (std::size_t box = 0; box < Cells::kCount; ++box) {
      out[box] = ratio(luma.sum[box], luma.n[box]) / image.step;
      out[Cells::kCount + box] = variance(laplacians[box]) / (image.step * image.step);
    }
    const double corners = mean({0, 3, 12, 15});
    const double centre = mean({5, 6, 9, 10});
    out[2 * Cells::kCount] = centre > 0.0 ? corners / centre : kNan;
  }

  friend bool operator==(const Grid&, const Grid&) = default;

 private:
  // Narrow integers are many to a register: a Laplacian of 8-bit samples is at most 1020 in size,
  // and the squares of a chunk of them fit 32 bits. Of deep samples it is at most 262 140.
  template <class S>
  LIGHTMETER_INLINE static void count(const LumaRow<S>& row, std::int64_t first, std::int64_t last,
                                      Laplacians& cell) noexcept {
    constexpr std::int64_t kChunk = 2048;
    const auto one = unknown(Difference<S>{1});
    cell.n += static_cast<std::uint64_t>(last - first);
    while (first < last) {
      const std::int64_t end = std::min(last, first + kChunk);
      ChunkSum<S> sum = 0, squares = 0;
      for (std::int64_t i = first; i < end; ++i) {
        const Difference<S> laplacian = row.laplacian(static_cast<std::size_t>(i));
        sum += ChunkSum<S>{laplacian} * one;
        squares += ChunkSum<S>{laplacian} * laplacian;
      }
      cell.sum += sum;
      cell.squares += static_cast<std::uint64_t>(squares);
      first = end;
    }
  }

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

  // A cell has at most about a quarter of the 2^47 pixels of an image, so n * squares < 2^127.
  [[nodiscard]] static double variance(const Laplacians& cell) noexcept {
    if (cell.n == 0) return kNan;
    const SignedWide sum = cell.sum;
    const Wide spread = cell.n * cell.squares - static_cast<Wide>(sum * sum);
    const auto n = static_cast<double>(cell.n);
    return static_cast<double>(spread) / n / n;
  }
};

}  // namespace lightmeter::measure
