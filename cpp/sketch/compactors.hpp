#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sketch/mix.hpp"
#include "sketch/quantile_state.hpp"
#include "sketch/rank_error.hpp"
#include "sketch/ranked.hpp"

namespace lightmeter::sketch {

// The state of KLL mode (Karnin, Lang, Liberty 2016): level h holds values of weight 2^h. When more
// values are held than the levels have room for together, the lowest full level is compacted: every
// other of its sorted values moves up a level, to stand for two.
class Compactors {
 public:
  // Room at the top level; (2/3)^d of it d levels below.
  static constexpr std::size_t kWorking = 1024;

  struct Level {
    std::vector<double> values;  // in any order
    bool sorted = false;         // unless known to rise
    bool paired = false;         // the next compaction takes the half that the last one did not
    bool odd = false;            // the half that the last one took
  };

  explicit Compactors(std::uint64_t coin_key) noexcept { coins_.key = coin_key; }
  // Of a state whose values are finite and lie within its extrema. More values than there is room
  // for are compacted.
  explicit Compactors(QuantileSample&& sample);

  void note_extrema(double least, double greatest) noexcept;
  // Inserts `total` units in rising order of which value_at(rank) is the value, rank rising. Units
  // of weight 2^base are known to come in equal blocks. `horizon` is the number of values expected
  // in the end (at least those there are); the larger it is, the fewer values are kept of this run.
  template <class ValueAt>
  void insert_run(std::uint64_t total, int base, ValueAt&& value_at, std::uint64_t horizon);
  // Values of weight 2^level; sorts them in place if they are to be thinned.
  void insert_values(std::vector<double>& values, int level, std::uint64_t horizon);
  void merge(const Compactors& other, std::uint64_t horizon);

  // Which unit of each block of 2^level is to stand for it, for a run of a caller's own.
  [[nodiscard]] std::uint64_t draw_offset(int level) noexcept;

  // Makes views of this sketch and merges of it into others cheap, as long as nothing is inserted.
  void sort_levels();

  // The highest level for a run of `total` values at which such runs add a small share to the
  // variance of a sketch of `horizon` values.
  [[nodiscard]] static int run_level(std::uint64_t total, std::uint64_t horizon) noexcept;

  [[nodiscard]] double min() const noexcept { return min_; }
  [[nodiscard]] double max() const noexcept { return max_; }
  [[nodiscard]] const RankError& error() const noexcept { return error_; }
  [[nodiscard]] const Coins& coins() const noexcept { return coins_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] const std::vector<Level>& levels() const noexcept { return levels_; }

 private:
  Level& level(int h);
  void insert_rising(std::span<const double> values, int level, std::uint64_t horizon);
  void compact(int h);
  void make_room();

  std::vector<Level> levels_;
  std::size_t held_ = 0;  // values in all levels
  RankError error_;
  Coins coins_;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
};

// The highest level of the blocks covers the run, see RankError::run.
template <class ValueAt>
void Compactors::insert_run(std::uint64_t total, int base, ValueAt&& value_at,
                            std::uint64_t horizon) {
  int top = run_level(total, horizon);
  if (top < base) top = base;
  const int highest = 63 - std::countl_zero(total);
  if (top > highest) top = highest;
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
