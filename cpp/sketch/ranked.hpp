#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lightmeter::sketch {

// Takes a sample from `total` units in rising order: for h = level, level - 1, ..., 0 as many
// blocks of 2^h units as fit into the rest, which makes one block for each set bit of the rest
// below `level`, and one unit from each block. emit(h, rank) gets the rank of that unit, which
// stands for the 2^h units of its block, so the weights sum to `total` exactly. offset(h) in [0,
// 2^h) says which unit.
//
// For any x all blocks but the one that x falls into are counted rightly, so the rank of x is off
// by less than 2^level; it is right on average if the offsets are uniform.
template <class Offset, class Emit>
void sample_ranks(std::uint64_t total, int level, Offset&& offset, Emit&& emit) {
  std::uint64_t begin = 0;
  for (int h = level; h >= 0 && begin < total; --h) {
    const std::uint64_t blocks = (total - begin) >> h;
    if (blocks == 0) continue;
    std::uint64_t rank = begin + offset(h);
    for (std::uint64_t block = 0; block < blocks; ++block, rank += std::uint64_t{1} << h) {
      emit(h, rank);
    }
    begin += blocks << h;
  }
}

// The value at a rank among values with cumulative counts, for rising ranks.
class RankCursor {
 public:
  RankCursor(std::span<const double> values, std::span<const std::uint64_t> cumulative) noexcept
      : values_(values), cumulative_(cumulative) {}

  [[nodiscard]] double operator()(std::uint64_t rank) noexcept {
    while (cumulative_[at_] <= rank) ++at_;
    return values_[at_];
  }

 private:
  std::span<const double> values_;
  std::span<const std::uint64_t> cumulative_;
  std::size_t at_ = 0;
};

}  // namespace lightmeter::sketch
