#pragma once

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// Blocks of JPEG and of video: the mean absolute difference of luma across the borders of an 8 x 8
// grid that starts at the image's corner, over that of all other neighbours, in both directions
// (after Wang, Sheikh and Bovik 2002). A ratio from 0 on: 1 is no blocks. Not defined where nothing
// differs elsewhere, or without a border. Blind to blocks of other sizes, and to those of a picture
// that was scaled or cropped after it was compressed.
struct Blockiness {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Blockiness", Role::kPlain, Scale::kRatio, Group::kCompression, false,
             "the blockiness, steps across the borders of 8 x 8 blocks over others: 1 is none, "
             "higher is more blocks"},
  };
  static constexpr std::int64_t kBlock = 8;

  // Of the differences between a pixel and the ones left of and above it.
  std::uint64_t borders = 0, others = 0;
  Wide border_sum = 0, other_sum = 0;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    const auto n = static_cast<std::uint64_t>(row.n);
    if (!row.top) {
      const std::uint64_t sum = differences(row.here, row.above, row.n);
      if (row.y % kBlock == 0) {
        borders += n;
        border_sum += sum;
      } else {
        others += n;
        other_sum += sum;
      }
    }
    const std::size_t first = row.left;  // has nothing left of it
    const std::uint64_t all = differences(row.here + first, row.here + first - 1, row.n - first);
    const std::int64_t x = row.x + static_cast<std::int64_t>(first);
    std::uint64_t at_borders = 0, crossed = 0;
    for (auto i = static_cast<std::ptrdiff_t>(first + static_cast<std::uint64_t>(-x & 7));
         i < static_cast<std::ptrdiff_t>(row.n); i += kBlock) {
      const int difference = row.here[i] - row.here[i - 1];
      at_borders += static_cast<std::uint64_t>(difference < 0 ? -difference : difference);
      ++crossed;
    }
    borders += crossed;
    border_sum += at_borders;
    others += n - first - crossed;
    other_sum += all - at_borders;
  }

  void add(const Blockiness& other) noexcept {
    borders += other.borders;
    others += other.others;
    border_sum += other.border_sum;
    other_sum += other.other_sum;
  }

  void read(const ImageFacts&, std::span<double> out) const noexcept {
    const bool defined = borders > 0 && other_sum > 0;
    out[0] = defined ? static_cast<double>(border_sum) / static_cast<double>(borders) /
                           (static_cast<double>(other_sum) / static_cast<double>(others))
                     : kNan;
  }

  friend bool operator==(const Blockiness&, const Blockiness&) = default;

 private:
  template <class S>
  LIGHTMETER_INLINE static std::uint64_t differences(const S* a, const S* b,
                                                     std::size_t n) noexcept {
    constexpr std::size_t kChunk = 32'768;  // 65 535 * 32 768 < 2^31
    std::uint64_t sum = 0;
    for (std::size_t start = 0; start < n; start += kChunk) {
      const std::size_t end = chunk_end(start, n, kChunk);
      std::int32_t chunk_sum = 0;
      for (std::size_t i = start; i < end; ++i) {
        const std::int32_t difference = std::int32_t{a[i]} - b[i];
        chunk_sum += difference < 0 ? -difference : difference;
      }
      sum += static_cast<std::uint32_t>(chunk_sum);
    }
    return sum;
  }
};

}  // namespace lightmeter::measure
