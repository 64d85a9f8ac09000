#pragma once

#include "measure/metrics/sums.hpp"

namespace lightmeter::measure {

// Blocks of JPEG and video compression: the mean absolute difference of luma across the borders of
// an 8 x 8 grid that starts at the corner of the image, divided by that between all other
// neighbours, in both directions (after Wang, Sheikh and Bovik 2002). 1 is no blocks. The ratio is
// undefined if the other neighbours do not differ, or if the image has no border of blocks. It does
// not detect blocks of other sizes, or of an image that was scaled or cropped after it was
// compressed.
struct Blockiness {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Blockiness", Scale::kRatio, Group::kCompression,
             "the blockiness: the strength of edges at the borders of 8 x 8 blocks, divided by "
             "that of other edges; 1 is no blocks"},
  };
  static constexpr std::size_t kBlock = 8;

  // Of the differences between a pixel and the ones left of and above it.
  // Sums are at most 65 535 * 2^48 < 2^64.
  std::uint64_t borders = 0, others = 0, border_sum = 0, other_sum = 0;

  template <class S>
  LIGHTMETER_INLINE void neighbours(const LumaRow<S>& row) noexcept {
    std::uint64_t above_sum = 0;
    for (std::size_t start = 0; start < row.n; start += kChunk) {
      const std::size_t count = chunk_end(start, row.n, kChunk) - start;
      const auto phase = (static_cast<std::size_t>(row.x) + start) % kBlock;
      const S* const here = row.here.luma + start;
      const S* const left = here - 1;
      const S* const above = row.above.luma + start;
      const S* const border = kBorder<S>.bits + phase;
      ChunkSum<S> all = 0, at_borders = 0, from_above = 0;
      for (std::size_t i = 0; i < count; ++i) {
        all += distance(here[i], left[i]);
        from_above += distance(here[i], above[i]);
        at_borders +=
            distance(static_cast<S>(here[i] & border[i]), static_cast<S>(left[i] & border[i]));
      }
      const std::size_t crossed =
          (phase + count + kBlock - 1) / kBlock - (phase + kBlock - 1) / kBlock;
      borders += crossed;
      border_sum += static_cast<std::uint64_t>(at_borders);
      others += count - crossed;
      other_sum += static_cast<std::uint64_t>(all - at_borders);
      above_sum += static_cast<std::uint64_t>(from_above);
    }
    if (!row.top) {
      const bool is_border = static_cast<std::size_t>(row.y) % kBlock == 0;
      (is_border ? borders : others) += row.n;
      (is_border ? border_sum : other_sum) += above_sum;
    }
    if (row.left) {  // has nothing left of it, but its mirror image was taken
      borders -= 1;
      border_sum -= static_cast<std::uint64_t>(distance(row.here.luma[0], row.here.luma[-1]));
    }
  }

  static auto sums(auto& metric) noexcept {
    return std::tie(metric.borders, metric.others, metric.border_sum, metric.other_sum);
  }

  void read(const ImageFacts&, std::span<Amount> out) const noexcept {
    const bool defined = borders > 0 && other_sum > 0;
    out[0] = defined ? static_cast<double>(border_sum) / static_cast<double>(borders) /
                           (static_cast<double>(other_sum) / static_cast<double>(others))
                     : kNan;
  }

 private:
  static constexpr std::size_t kChunk = 1024;

  // All bits of every eighth sample.
  template <class S>
  static constexpr auto kBorder = [] {
    struct {
      S bits[kChunk + kBlock];
    } mask{};
    for (std::size_t i = 0; i < kChunk + kBlock; i += kBlock) mask.bits[i] = static_cast<S>(~S{0});
    return mask;
  }();
};

}  // namespace lightmeter::measure
