#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sketch/counted.hpp"
#include "sketch/exact.hpp"
#include "sketch/mix.hpp"
#include "sketch/rank_error.hpp"
#include "sketch/sorted_view.hpp"
#include "wire/wire.hpp"

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

// A weighted sample of values (Karnin, Lang, Liberty 2016): level h holds values of weight 2^h. When
// more values are held than the levels have room for together, the lowest full level is compacted:
// every other of its sorted values moves up a level, to stand for two.
class Sampled {
 public:
  // Room at the top level; (2/3)^d of it d levels below.
  static constexpr std::size_t kWorking = 1024;
  // encode() writes no more values.
  static constexpr std::size_t kShipped = 512;

  struct Level {
    std::vector<double> values;  // in any order
    bool sorted = false;         // unless known to rise
    bool paired = false;         // the next compaction takes the half that the last one did not
    bool odd = false;            // the half that the last one took
  };

  // Of what was exact. The coins are a function of `key` and of the values.
  Sampled(const Exact& list, std::uint64_t key);
  Sampled(const Counted& counted, std::uint64_t key, std::uint64_t horizon);
  // Of at least one level. More values than there is room for are compacted. DecodeError for what no
  // sketch is made of.
  Sampled(const Coins& coins, const RankError& error, double least, double greatest,
          std::vector<Level> levels);

  // The `horizon` of all of these is the number of values expected in the end, at least those there
  // are; the larger it is, the fewer values are kept of what is added now.
  void add(double value, std::uint64_t horizon);
  void add(std::span<const Count> rising, std::uint64_t horizon);
  // Inserts `total` units in rising order of which value_at(rank) is the value, rank rising. Units
  // of weight 2^base are known to come in equal blocks.
  template <class ValueAt>
  void insert_run(std::uint64_t total, int base, ValueAt&& value_at, std::uint64_t horizon);
  // All but the newest of the other.
  void merge_levels(const Sampled& other, std::uint64_t horizon);

  void note_extrema(double least, double greatest) noexcept;
  // Which unit of each block of 2^level is to stand for it, for a run of a caller's own.
  [[nodiscard]] std::uint64_t draw_offset(int level) noexcept;
  // Makes views of this sketch and merges of it into others cheap, as long as nothing is inserted.
  void sort_levels();

  // The highest level for a run of `total` values at which such runs add a small share to the
  // variance of a sketch of `horizon` values.
  [[nodiscard]] static int run_level(std::uint64_t total, std::uint64_t horizon) noexcept;

  // Values of weight 1 that are in no level yet.
  [[nodiscard]] Exact& newest() noexcept { return newest_; }
  [[nodiscard]] const Exact& newest() const noexcept { return newest_; }
  [[nodiscard]] double min() const noexcept;
  [[nodiscard]] double max() const noexcept;
  [[nodiscard]] const RankError& error() const noexcept { return error_; }
  [[nodiscard]] SortedView view() const;
  // How many values are held.
  [[nodiscard]] std::size_t size() const noexcept { return held_ + newest_.values().size(); }
  // A sample of its view() that is no larger than kShipped. Its bound is wider by half a step.
  [[nodiscard]] Sampled thinned(const SortedView& view) const;

  // Of at most kShipped values. Layout in sketch/quantile_codec.cpp; `n` is the sum of the weights.
  void encode(wire::Writer& out) const;
  [[nodiscard]] static Sampled decode(wire::Reader& in, std::uint64_t n);

 private:
  Level& level(int h);
  void insert(std::span<const double> values, bool sorted, int h, std::uint64_t horizon);
  void compact(int h);
  void make_room();

  Exact newest_;
  std::vector<Level> levels_;
  std::size_t held_ = 0;  // values in all levels
  RankError error_;
  Coins coins_;
  double min_ = std::numeric_limits<double>::infinity();  // of the levels
  double max_ = -std::numeric_limits<double>::infinity();
};

// The highest level of the blocks covers the run, see RankError::run.
template <class ValueAt>
void Sampled::insert_run(std::uint64_t total, int base, ValueAt&& value_at, std::uint64_t horizon) {
  const int top = std::clamp(run_level(total, horizon), base, 63 - std::countl_zero(total));
  level(top);
  if (top > base) error_.run(top);
  const auto offset = [&](int h) { return h > base ? coins_.draw(h) : 0; };
  sample_ranks(total, top, offset, [&](int h, std::uint64_t rank) {
    levels_[static_cast<std::size_t>(h)].values.push_back(value_at(rank));
    ++held_;
  });
  for (int h = 0; h <= top; ++h) levels_[static_cast<std::size_t>(h)].sorted = false;
  make_room();
}

}  // namespace lightmeter::sketch
