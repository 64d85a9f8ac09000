#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lightmeter/sketch/array_view.hpp"
#include "lightmeter/sketch/sorted_view.hpp"

namespace lightmeter::wire {
class Reader;
class Writer;
}  // namespace lightmeter::wire

namespace lightmeter::sketch {

class Compactors;
template <class T>
class BulkFeeder;

// The distribution of a stream of numbers: quantiles and ranks, mergeable.
//
//   exact    all values, while n <= kExactItems
//   counted  all distinct values with their counts, while there are at most kCountedValues, at any
//   n KLL      beyond: a weighted sample of about 3000 values, of which encode() ships at most
//            kShippedItems
//
// The mode is a function of the values alone, and so are the bytes in the first two, whatever the
// order or the tree of merges. In KLL mode the same calls on the same values give the same bytes on
// every machine, and error() bounds what the sampling cost. The sum of the weights is always n.
//
// NaN and the infinities are counted apart: n, min, max, quantiles and ranks are about the finite
// values only. -0.0 is taken as 0.0. Const members may be called from several threads at once.
class QuantileSketch {
 public:
  static constexpr std::uint64_t kExactItems = 1024;
  static constexpr std::size_t kCountedValues = 256;
  static constexpr std::size_t kShippedItems = 512;
  // No sketch observes more, see sketch/limits.hpp.
  static constexpr std::uint64_t kMaxObserved = std::uint64_t{1} << 56;

  // The coins of KLL mode are a function of `key` and of the values at the moment the sketch leaves
  // exact and counted mode. Give unlike features unlike keys: sketches that share coins have errors
  // that add up. The key is not part of the bytes before KLL mode; hand it to decode() again.
  explicit QuantileSketch(std::uint64_t key = 0);
  QuantileSketch(const QuantileSketch& other);
  // One that was moved from is empty.
  QuantileSketch(QuantileSketch&& other) noexcept;
  QuantileSketch& operator=(const QuantileSketch& other);
  QuantileSketch& operator=(QuantileSketch&& other) noexcept;
  ~QuantileSketch();

  // IncompatibleError, and nothing changes, if any of these would observe more than 2^56 numbers.
  void update(double value);
  // float32 is sorted as float32; only the values that are kept are widened.
  void update(std::span<const float> values);
  void update(std::span<const double> values);
  // T is one of std::uint8_t, std::uint16_t (both counted first), float, double.
  template <class T>
  void update(const ArrayView<T>& values);
  // values[i] counts[i] times. std::invalid_argument unless both have one length, and as merge().
  void update_counts(std::span<const double> values, std::span<const std::uint64_t> counts);

  // Leaves `other` as it is; merging a sketch with itself doubles every count. IncompatibleError,
  // and nothing changes, if that would make more than 2^56 numbers.
  void merge(const QuantileSketch& other);
  // The same as merging one after the other, but faster, since the final n is known at the start.
  // The second form takes encoded sketches; an error leaves this sketch as it was.
  void merge_many(std::span<const QuantileSketch* const> others);
  void merge_many(std::span<const std::span<const std::uint8_t>> encoded);

  [[nodiscard]] std::uint64_t key() const noexcept { return key_; }
  [[nodiscard]] std::uint64_t n() const noexcept { return settled_ + staged_.size(); }
  [[nodiscard]] std::uint64_t nan() const noexcept { return nan_; }
  [[nodiscard]] std::uint64_t pos_inf() const noexcept { return pos_inf_; }
  [[nodiscard]] std::uint64_t neg_inf() const noexcept { return neg_inf_; }
  // All of these together: everything that was put in.
  [[nodiscard]] std::uint64_t observed() const noexcept { return n() + nan_ + pos_inf_ + neg_inf_; }
  [[nodiscard]] double min() const;  // exact in every mode; NaN when empty
  [[nodiscard]] double max() const;

  // True in exact and counted mode.
  [[nodiscard]] bool is_exact() const noexcept { return compactors_ == nullptr; }
  // Whether update(value) would keep it so. One that owns state derived from the values can build
  // it in time: copy a sketch that is_exact() before a larger update or a merge, and look after.
  [[nodiscard]] bool stays_exact(double value) const;

  // With probability at least 1 - delta the ranks of ALL values are within error(delta), and that
  // of one value chosen beforehand within pointwise_error(delta), as fractions of n. Proved for
  // coins that are independent (ARCHITECTURE, "Error bound of the quantile sketch"). 0 while exact.
  [[nodiscard]] double error(double delta = 0.01) const;
  [[nodiscard]] double pointwise_error(double delta = 0.01) const;

  // sorted[min(floor(q n), n - 1)] of the weighted sample: q = 0 is the minimum, q = 1 the maximum,
  // and every result is a value that was put in. std::invalid_argument for q outside [0, 1]; NaN
  // when empty.
  [[nodiscard]] std::vector<double> quantiles(std::span<const double> q) const;
  [[nodiscard]] double quantile(double q) const;
  // The fraction of the finite values that are <= x. NaN for x = NaN and when empty.
  [[nodiscard]] std::vector<double> ranks(std::span<const double> x) const;
  [[nodiscard]] double rank(double x) const;
  // Valid until the sketch changes.
  [[nodiscard]] const SortedView& view() const;

  // Layout in sketch/quantile_codec.cpp. In KLL mode with more than kShippedItems values the bytes
  // hold a resampled state, whose bound is wider by the half step; this sketch itself is unchanged.
  void encode(wire::Writer& out) const;
  [[nodiscard]] static QuantileSketch decode(wire::Reader& in, std::uint64_t key = 0);
  friend bool operator==(const QuantileSketch& a, const QuantileSketch& b);

 private:
  friend class QuantileCodec;
  template <class T>
  friend class BulkFeeder;

  [[nodiscard]] bool counted() const noexcept { return !values_.empty(); }
  [[noreturn]] static void refuse_more();
  void update_apart(double value, std::uint64_t count) noexcept;
  void update_full(double value);
  void stage(std::span<const double> values);
  void reserve(std::size_t size);
  void flush(std::uint64_t horizon);
  void list_values();
  void leave_exact(std::uint64_t horizon);
  bool absorb_counts(std::span<const double> values, std::span<const std::uint64_t> counts);
  void add_counts(std::span<const double> values, std::span<const std::uint64_t> counts,
                  std::uint64_t horizon);
  void add_table(std::span<const std::uint32_t> counts, std::uint64_t total, std::uint64_t horizon);
  void merge(const QuantileSketch& other, BulkFeeder<double>& feeder, std::uint64_t horizon);
  void prefetch() const noexcept;
  [[nodiscard]] SortedView build_view() const;
  [[nodiscard]] double value_at(std::uint64_t rank) const;

  std::vector<double> staged_;  // exact: all values; KLL: the newest, of weight 1; unsorted.
                                // Its capacity is at most kExactItems, and 0 in counted mode.
  std::unique_ptr<Compactors> compactors_;  // KLL
  std::uint64_t settled_ = 0;               // values that are not in staged_
  std::uint64_t nan_ = 0;                   // up to here is what merging a small sketch reads
  std::uint64_t pos_inf_ = 0;
  std::uint64_t neg_inf_ = 0;
  // counted, and exact where values were given with counts: sorted, with counts_; otherwise empty
  std::vector<double> values_;
  std::vector<std::uint64_t> counts_;
  ViewCache view_;
  std::uint64_t key_;
};

inline void QuantileSketch::update(double value) {
  if (observed() >= kMaxObserved) refuse_more();
  if (!std::isfinite(value)) return update_apart(value, 1);
  view_.clear();
  if (staged_.size() == staged_.capacity()) return update_full(value);
  staged_.push_back(value + 0.0);
}

}  // namespace lightmeter::sketch
