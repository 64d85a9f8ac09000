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

// Of each cell of a grid, a text with its row and column for the two # of a pattern.
template <std::size_t kSide, std::size_t kSize>
constexpr auto texts_of_cells(const char (&pattern)[kSize]) {
  std::array<std::array<char, kSize - 1>, kSide * kSide> texts{};
  for (std::size_t cell = 0; cell < texts.size(); ++cell) {
    std::size_t next = cell / kSide;
    for (std::size_t i = 0; i + 1 < kSize; ++i) {
      texts[cell][i] = pattern[i] == '#' ? static_cast<char>('0' + next) : pattern[i];
      if (pattern[i] == '#') next = cell % kSide;
    }
  }
  return texts;
}

// Where the image is bright, and where it is sharp: the mean luma of each cell of a grid, and the
// Sharpness there.
struct Grid : Boxes<4, 4> {
  static constexpr Set kSet = Set::kCamera;
  static constexpr int kSide = kRows;

  static constexpr auto kNames = texts_of_cells<kSide>("Grid.r#c#");
  static constexpr auto kTexts = texts_of_cells<kSide>(
      "the mean luma of one of 4 x 4 parts of the image, r0c0 at the top left: higher is brighter");
  static constexpr auto kSharpnessNames = texts_of_cells<kSide>("Grid.r#c#.sharpness");
  static constexpr auto kSharpnessTexts = texts_of_cells<kSide>(
      "the sharpness of one of 4 x 4 parts of the image, r0c0 at the top left: the variance of its "
      "Laplacian; higher is sharper");
  static constexpr auto kNumbers = [] {
    std::array<Number, 2 * kCount + 1> numbers{};
    for (std::size_t cell = 0; cell < kCount; ++cell) {
      const auto text = [&](const auto& texts) {
        return std::string_view(texts[cell].data(), texts[cell].size());
      };
      numbers[cell] = Number{text(kNames), Scale::kSample, Group::kWhere, text(kTexts)};
      numbers[kCount + cell] =
          Number{text(kSharpnessNames), Scale::kSquares, Group::kWhere, text(kSharpnessTexts)};
    }
    numbers.back() = Number{"Vignetting", Scale::kRatio, Group::kWhere,
                            "the luma of the corners over that of the centre: 1 where they are "
                            "alike, lower where the corners are darker"};
    return numbers;
  }();

  std::array<Sharpness, kCount> sharpness{};

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    const std::size_t first_box = this->first_box(row.y);
    for (int column = 0; column < kSide; ++column) {
      const auto [box, first, last] = part(first_box, column, row.x, row.n);
      if (first == last) continue;
      LumaRow<S> run = row;
      run.above = row.above.from(first - row.x);
      run.here = row.here.from(first - row.x);
      run.below = row.below.from(first - row.x);
      run.n = static_cast<std::size_t>(last - first);
      sharpness[box].neighbours(run);
    }
  }

  static auto sums(auto& grid) noexcept { return std::tie(grid.counts, grid.luma, grid.sharpness); }

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    for (std::size_t box = 0; box < kCount; ++box) {
      out[box] = ratio(luma[box], counts[box]) / image.step;
      sharpness[box].read(image, out.subspan(kCount + box, 1));
    }
    const double corners = mean({0, 3, 12, 15});
    const double centre = mean({5, 6, 9, 10});
    out[2 * kCount] = centre > 0.0 ? corners / centre : kNan;
  }

 private:
  [[nodiscard]] static double ratio(std::uint64_t sum, std::uint64_t n) noexcept {
    return n == 0 ? kNan : static_cast<double>(sum) / static_cast<double>(n);
  }

  // Of cells together, each pixel weighing the same.
  [[nodiscard]] double mean(const std::array<std::size_t, 4>& boxes) const noexcept {
    std::uint64_t sum = 0;
    std::uint64_t n = 0;
    for (const std::size_t box : boxes) {
      sum += luma[box];
      n += counts[box];
    }
    return ratio(sum, n);
  }
};

}  // namespace lightmeter::measure
