#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "lightmeter/sketch/sorted_view.hpp"
#include "sketch/mix.hpp"
#include "sketch/ranked.hpp"

namespace lightmeter::sketch {

// What the sampling of a KLL sketch may have cost, in ranks. The signed error of the rank of a
// fixed value is at most `fixed` plus a sum of independent terms of mean 0 that is sub-Gaussian
// with the variance proxy `variance`. How each term is bounded stands where it is added.
struct RankError {
  double variance = 0.0;
  double fixed = 0.0;
};

// The state of KLL mode (Karnin, Lang, Liberty 2016): level h holds values of weight 2^h. When more
// values are held than the levels have room for together, the lowest full level is compacted: every
// other of its sorted values moves up a level, to stand for two.
class Compactors {
 public:
  static constexpr std::size_t kWorking =
      1024;  // room at the top level; (2/3)^d of it d levels below

  struct Level {
    std::vector<double> values;  // in any order
    bool sorted = false;         // unless known to rise
    bool paired = false;         // the next compaction takes the half that the last one did not
    bool odd = false;            // the half that the last one took
  };

  explicit Compactors(std::uint64_t coin_key) noexcept { coins_.key = coin_key; }

  void note_extrema(double least, double greatest) noexcept;
  // Inserts `total` units in rising order of which value_at(rank) is the value, rank rising. Units
  // of weight 2^base are known to come in equal blocks. `horizon` is the number of values expected
  // in the end (at least those there are); the larger it is, the fewer values are kept of this run.
  template <class ValueAt>
  void insert_run(std::uint64_t total, int base, ValueAt&& value_at, std::uint64_t horizon);
  // Values of weight 2^level; sorts them in place if they are to be thinned.
  void insert_values(std::vector<double>& values, int level, std::uint64_t horizon);
  void merge(const Compactors& other, std::uint64_t horizon);

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
  friend class QuantileCodec;
  template <class T>
  friend class BulkFeeder;

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

// A uniform offset in each block: the error for x is (units of x's block below x) - 2^h [taken unit
// is below x], with mean 0 and inside an interval of length 2^h, so its proxy is (2^h / 2)^2 by
// Hoeffding's lemma. Only one block can err, so one term with the highest level covers the run.
template <class ValueAt>
void Compactors::insert_run(std::uint64_t total, int base, ValueAt&& value_at,
                            std::uint64_t horizon) {
  int top = run_level(total, horizon);
  if (top < base) top = base;
  const int highest = 63 - std::countl_zero(total);
  if (top > highest) top = highest;
  level(top);
  if (top > base) error_.variance += 0.25 * std::ldexp(1.0, 2 * top);
  const auto offset = [&](int h) { return h > base ? coins_.draw(h) : 0; };
  sample_ranks(total, top, offset, [&](int h, std::uint64_t rank) {
    levels_[static_cast<std::size_t>(h)].values.push_back(value_at(rank));
    ++held_;
  });
  for (int h = 0; h <= top; ++h) levels_[static_cast<std::size_t>(h)].sorted = false;
  make_room();
}

}  // namespace lightmeter::sketch
