#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "box.hpp"
#include "sketch/counted.hpp"
#include "sketch/exact.hpp"
#include "sketch/limits.hpp"
#include "sketch/sampled.hpp"
#include "sketch/sorted_view.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

// The distribution of a stream of numbers: quantiles and ranks, mergeable. It is
//
//   Exact      while n <= kExactItems: all values
//   Counted    at any n, while there are at most Counted::kMost different values
//   Sampled    beyond (KLL): a weighted sample of about 3000 values, of which encode() ships at most
//              Sampled::kShipped
//
// Which of them is a function of the values alone, and so are the bytes of the first two, whatever
// the order or the tree of merges. When sampled, the same calls on the same values give the same
// bytes on every machine, and error() bounds what the sampling cost. The sum of the weights is
// always n.
//
// NaN and the infinities are counted apart: n, min, max, quantiles and ranks are about the finite
// values only. -0.0 is taken as 0.0. Const members may be called from several threads at once.
class QuantileSketch {
 public:
  static constexpr std::uint64_t kExactItems = Exact::kMost;

  // The coins of the sampling are a function of `key` and of the values at the moment the sketch
  // stops being exact. Give unlike features unlike keys: sketches that share coins have errors
  // that add up. The key is not part of the bytes of an exact one; hand it to decode() again.
  explicit QuantileSketch(std::uint64_t key = 0) : key_(key) {}
  QuantileSketch(const QuantileSketch&) = default;
  // One that was moved from is empty.
  QuantileSketch(QuantileSketch&& other) noexcept : key_(other.key_) { swap(other); }
  QuantileSketch& operator=(QuantileSketch other) noexcept { return swap(other), *this; }

  // A sample that another program took: values of weight 2^h at level h, within the extrema.
  // `ranks` is how far a rank is off at most with a probability of .99, as was measured. DecodeError
  // unless all is finite, there is a value, and the weights sum to at most 2^56.
  [[nodiscard]] static QuantileSketch from_levels(std::vector<std::vector<double>> levels,
                                                  double least, double greatest, double ranks,
                                                  std::uint64_t key = 0);

  // IncompatibleError, and nothing changes, if any of these would observe more than 2^56 numbers.
  void update(double value);
  // Integers are counted first. float32 is sorted as float32; only the values that are kept are
  // widened.
  void update(std::span<const std::uint8_t> values);
  void update(std::span<const std::uint16_t> values);
  void update(std::span<const float> values);
  void update(std::span<const double> values);
  // values[i] counts[i] times. std::invalid_argument unless both have one length, and as merge().
  void update_counts(std::span<const double> values, std::span<const std::uint64_t> counts);

  // Leaves `other` as it is; merging a sketch with itself doubles every count. IncompatibleError,
  // and nothing changes, if that would make more than 2^56 numbers.
  void merge(const QuantileSketch& other);
  // The same as merging one after the other, but faster, since the final n is known at the start.
  void merge_many(std::span<const QuantileSketch* const> others);

  [[nodiscard]] std::uint64_t key() const noexcept { return key_; }
  [[nodiscard]] std::uint64_t n() const noexcept { return observed_ - apart_.sum(); }
  [[nodiscard]] std::uint64_t nan() const noexcept { return apart_.nan; }
  [[nodiscard]] std::uint64_t pos_inf() const noexcept { return apart_.pos_inf; }
  [[nodiscard]] std::uint64_t neg_inf() const noexcept { return apart_.neg_inf; }
  // All of these together: everything that was put in.
  [[nodiscard]] std::uint64_t observed() const noexcept { return observed_; }
  [[nodiscard]] double min() const;  // exact in every mode; NaN when empty
  [[nodiscard]] double max() const;

  // False when sampled.
  [[nodiscard]] bool is_exact() const noexcept { return sampled() == nullptr; }
  // Whether update(value) would keep it so. One that owns state derived from the values can build
  // it in time: copy a sketch that is_exact() before a larger update or a merge, and look after.
  [[nodiscard]] bool stays_exact(double value) const;

  // With probability at least 1 - delta the ranks of ALL values are within error(delta), and that
  // of one value chosen beforehand within pointwise_error(delta), as fractions of n. Proved for
  // coins that are independent (docs/error-bound.md). 0 while exact.
  [[nodiscard]] double error(double delta = 0.01) const;
  [[nodiscard]] double pointwise_error(double delta = 0.01) const;

  // sorted[min(floor(q n), n - 1)] of the weighted sample: q = 0 is the minimum, q = 1 the maximum,
  // and every result is a value that was put in. std::invalid_argument for q outside [0, 1]; NaN
  // when empty.
  [[nodiscard]] double quantile(double q) const;
  // The fraction of the finite values that are <= x. NaN for x = NaN and when empty.
  [[nodiscard]] double rank(double x) const;
  // Valid until the sketch changes.
  [[nodiscard]] const SortedView& view() const;

  // What decode() would make of the bytes of a sketch that samples more than Sampled::kShipped
  // values: its bound is wider by half a step. None of others, whose bytes have all.
  [[nodiscard]] std::optional<QuantileSketch> thinned() const;
  // Layout in sketch/quantile_codec.cpp: of thinned(), if there is one. This sketch is unchanged.
  void encode(wire::Writer& out) const;
  [[nodiscard]] static QuantileSketch decode(wire::Reader& in, std::uint64_t key = 0);
  friend bool operator==(const QuantileSketch& a, const QuantileSketch& b);

 private:
  // What is counted apart from the finite values.
  struct Apart {
    std::uint64_t nan = 0;
    std::uint64_t pos_inf = 0;
    std::uint64_t neg_inf = 0;

    [[nodiscard]] std::uint64_t sum() const noexcept { return nan + pos_inf + neg_inf; }
  };
  // The fast way in for many values, see sketch/quantile_feeder.hpp.
  template <class T>
  class Feeder;

  void swap(QuantileSketch& other) noexcept;
  // Null unless sampled.
  [[nodiscard]] const Sampled* sampled() const noexcept {
    const auto* box = std::get_if<Box<Sampled>>(&mode_);
    return box != nullptr ? &**box : nullptr;
  }
  [[nodiscard]] Sampled* sampled() noexcept {
    return const_cast<Sampled*>(std::as_const(*this).sampled());
  }
  void update_apart(double value, std::uint64_t count) noexcept;
  void update_full(double value);
  template <class T>
  void update_counted(std::span<const T> values);
  template <class T>
  void feed(std::span<const T> values);
  void add_counts(std::span<const Count> rising, std::uint64_t horizon);
  void merge(const QuantileSketch& other, Feeder<double>& feeder, std::uint64_t horizon);
  void prefetch_values() const noexcept;

  // From one mode to the next. Each is nothing where the sketch is so already.
  void become_exact();
  [[nodiscard]] bool become_counted(std::span<const Count> more);
  Sampled& become_sampled(std::uint64_t horizon);

  std::uint64_t observed_ = 0;  // everything: the finite values and those counted apart
  Apart apart_;
  std::uint64_t key_;
  ViewCache view_;
  std::variant<Exact, Counted, Box<Sampled>> mode_;
};

inline void QuantileSketch::update(double value) {
  if (observed_ == kMaxCount) check_sum(observed_, 1);
  if (!std::isfinite(value)) return update_apart(value, 1);
  view_.clear();
  value += 0.0;
  auto* const exact = std::get_if<Exact>(&mode_);
  auto* const counted = std::get_if<Counted>(&mode_);
  const bool is_taken = exact != nullptr     ? exact->push(value)
                        : counted != nullptr ? counted->add(value)
                                             : sampled()->newest().push(value);
  if (!is_taken) update_full(value);
  ++observed_;
}

}  // namespace lightmeter::sketch
