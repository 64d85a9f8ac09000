#pragma once

#include <algorithm>
#include <vector>

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// Stripes: the standard deviation of the mean luma of rows, or columns, each minus the mean over
// itself and the 15 on either side (after the row and column nonuniformity of EMVA 1288 release 4).
// Rows without 15 on either side are left out, so the number is undefined below 32 rows. Stripes
// with a period of up to 31 rows count fully, those of 52 half, of 310 a sixtieth. Slow gradients
// do not count, nor do dots that a row averages out. Horizontal edges of the scene count as
// stripes. The mean of a row leaves out ignored pixels.
struct Banding {
  static constexpr Set kSet = Set::kAll;
  static constexpr bool kNeedsSize = true;
  static constexpr std::array kNumbers{
      Number{"Banding.rows", Scale::kSample, Group::kNoise,
             "the horizontal banding, how much rows differ from the rows around: higher is more"},
      Number{"Banding.columns", Scale::kSample, Group::kNoise,
             "the vertical banding, how much columns differ from the columns around: higher is "
             "more"},
  };
  static constexpr std::size_t kSide = 15;

  // Of the rows and columns of an area: sums of luma and counts of pixels. A run adds 1 to the count
  // of the column where it starts and takes 1 where it ends, so that a column's count is the sum of
  // all up to it.
  Area area{};
  std::vector<std::uint64_t> row_sums, row_counts, column_sums, column_starts;

  void start(const Frame&, const Area& all) {
    area = all;
    const auto rows = static_cast<std::size_t>(area.height);
    const auto columns = static_cast<std::size_t>(area.width);
    for (auto* sums : {&row_sums, &row_counts}) sums->assign(rows, 0);
    column_sums.assign(columns, 0);
    column_starts.assign(columns + 1, 0);
  }

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    const auto x = static_cast<std::size_t>(row.x - area.x);
    const auto y = static_cast<std::size_t>(row.y - area.y);
    std::uint64_t* const columns = column_sums.data() + x;
    const S* const luma = row.luma;
    const std::size_t n = row.n;
    for (std::size_t i = 0; i < n; ++i) columns[i] += luma[i];
    row_sums.data()[y] += sum_of(luma, n);
    row_counts.data()[y] += n;
    column_starts.data()[x] += 1;
    column_starts.data()[x + n] -= 1;
  }

  void add(const Banding& other) noexcept {
    const auto row = static_cast<std::size_t>(other.area.y - area.y);
    const auto column = static_cast<std::size_t>(other.area.x - area.x);
    add(row_sums, other.row_sums, row);
    add(row_counts, other.row_counts, row);
    add(column_sums, other.column_sums, column);
    add(column_starts, other.column_starts, column);
  }

  void read(const ImageFacts& image, std::span<Amount> out) const {
    Integers column_counts(column_sums.size());
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < column_counts.size(); ++i) {
      count += column_starts[i];
      column_counts[i] = count;
    }
    out[0] = banding(row_sums, row_counts) / image.step;
    out[1] = banding(column_sums, column_counts) / image.step;
  }

 private:
  using Integers = std::vector<std::uint64_t>;

  static void add(Integers& sums, const Integers& others, std::size_t offset) noexcept {
    for (std::size_t i = 0; i < others.size(); ++i) sums[offset + i] += others[i];
  }

  static double banding(const Integers& sums, const Integers& counts) {
    const std::size_t lines = sums.size();
    std::vector<double> means(lines), deviations;
    for (std::size_t line = 0; line < lines; ++line) means[line] = mean(sums, counts, line);
    for (std::size_t line = kSide; line + kSide < lines; ++line) {
      double window = 0;  // NaN if it holds a line without a pixel
      for (std::size_t i = line - kSide; i <= line + kSide; ++i) window += means[i];
      const double deviation = means[line] - window / (2 * kSide + 1);
      if (!std::isnan(deviation)) deviations.push_back(deviation);
    }
    if (deviations.size() < 2) return kNan;
    double centre = 0, squares = 0;
    for (const double deviation : deviations) centre += deviation;
    centre /= static_cast<double>(deviations.size());
    for (const double deviation : deviations) {
      squares += (deviation - centre) * (deviation - centre);
    }
    return std::sqrt(squares / static_cast<double>(deviations.size()));
  }

  static double mean(const Integers& sums, const Integers& counts, std::size_t line) {
    return counts[line] == 0 ? kNan
                             : static_cast<double>(sums[line]) / static_cast<double>(counts[line]);
  }
};

}  // namespace lightmeter::measure
