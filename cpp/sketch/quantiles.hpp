#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "sketch/array_view.hpp"
#include "sketch/sorted_view.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

class Compactors;
struct QuantileState;

// The distribution of a stream of numbers: quantiles and ranks, mergeable.
//
//   exact     all values, while n <= kExactItems
//   counted   all distinct values with their counts, at any n, while they are at most kCountedValues
//   sampled   beyond (KLL): a weighted sample of about 3000 values, of which encode() ships at most
//             kShippedItems
//
// The mode is a function of the values alone, and so are the bytes in the first two, whatever the
// order or the tree of merges. When sampled, the same calls on the same values give the same bytes on
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

  // The coins of the sampling are a function of `key` and of the values at the moment the sketch
  // stops being exact. Give unlike features unlike keys: sketches that share coins have errors
  // that add up. The key is not part of the bytes of an exact one; hand it to decode() again.
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
  [[nodiscard]] std::uint64_t n() const noexcept { return observed_ - nan_ - pos_inf_ - neg_inf_; }
  [[nodiscard]] std::uint64_t nan() const noexcept { return nan_; }
  [[nodiscard]] std::uint64_t pos_inf() const noexcept { return pos_inf_; }
  [[nodiscard]] std::uint64_t neg_inf() const noexcept { return neg_inf_; }
  // All of these together: everything that was put in.
  [[nodiscard]] std::uint64_t observed() const noexcept { return observed_; }
  [[nodiscard]] double min() const;  // exact in every mode; NaN when empty
  [[nodiscard]] double max() const;

  // True in exact and counted mode.
  [[nodiscard]] bool is_exact() const noexcept { return !std::holds_alternative<Sampled>(mode_); }
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

  // All of it, and one of it. What a state says is checked: DecodeError for one that no sketch has.
  [[nodiscard]] QuantileState state() const;
  [[nodiscard]] static QuantileSketch from_state(QuantileState state, std::uint64_t key = 0);

  // Layout in sketch/quantile_codec.cpp. When sampled with more than kShippedItems values the bytes
  // hold a resampled state, whose bound is wider by the half step; this sketch itself is unchanged.
  void encode(wire::Writer& out) const;
  [[nodiscard]] static QuantileSketch decode(wire::Reader& in, std::uint64_t key = 0);
  friend bool operator==(const QuantileSketch& a, const QuantileSketch& b);

 private:
  struct Exact {
    std::vector<double> values;  // in any order; its capacity is at most kExactItems
  };
  struct Counted {
    std::vector<double> values;  // rising
    std::vector<std::uint64_t> counts;
  };
  class Sampled {
   public:
    Sampled(std::vector<double> newest, Compactors&& compactors);
    Sampled(const Sampled& other);
    Sampled(Sampled&& other) noexcept;
    Sampled& operator=(const Sampled& other);
    Sampled& operator=(Sampled&& other) noexcept;
    ~Sampled();

    [[nodiscard]] Compactors& compactors() noexcept { return *compactors_; }
    [[nodiscard]] const Compactors& compactors() const noexcept { return *compactors_; }

    std::vector<double> staged;  // the newest, of weight 1, as in Exact

   private:
    std::unique_ptr<Compactors> compactors_;
  };
  // The fast way in for many values, see sketch/quantile_feeder.hpp.
  template <class T>
  class Feeder;

  [[noreturn]] static void refuse_more();
  [[nodiscard]] static std::vector<double> listed(const Counted& counted);
  // As from_state(), but each value was looked at before, as read_sorted() does.
  [[nodiscard]] static QuantileSketch of_checked_values(QuantileState state, std::uint64_t key);
  [[nodiscard]] Sampled& sampled() noexcept { return *std::get_if<Sampled>(&mode_); }
  // Where single values are put; null when counted.
  [[nodiscard]] std::vector<double>* unsorted() noexcept;
  [[nodiscard]] const std::vector<double>* unsorted() const noexcept;

  void update_apart(double value, std::uint64_t count) noexcept;
  void update_full(double value);
  void flush(std::uint64_t horizon);
  void leave_exact(std::uint64_t horizon);
  bool absorb_counts(std::span<const double> values, std::span<const std::uint64_t> counts);
  void add_counts(std::span<const double> values, std::span<const std::uint64_t> counts,
                  std::uint64_t horizon);
  void add_table(std::span<const std::uint32_t> counts, std::uint64_t total, std::uint64_t horizon);
  void merge(const QuantileSketch& other, Feeder<double>& feeder, std::uint64_t horizon);
  void prefetch() const noexcept;
  [[nodiscard]] SortedView build_view() const;
  [[nodiscard]] double value_at(std::uint64_t rank) const;

  std::variant<Exact, Counted, Sampled> mode_;
  std::uint64_t observed_ = 0;  // everything: the finite values and those counted apart
  std::uint64_t nan_ = 0;
  std::uint64_t pos_inf_ = 0;
  std::uint64_t neg_inf_ = 0;
  ViewCache view_;
  std::uint64_t key_;
};

inline std::vector<double>* QuantileSketch::unsorted() noexcept {
  if (auto* exact = std::get_if<Exact>(&mode_)) return &exact->values;
  auto* sampled = std::get_if<Sampled>(&mode_);
  return sampled != nullptr ? &sampled->staged : nullptr;
}

inline const std::vector<double>* QuantileSketch::unsorted() const noexcept {
  return const_cast<QuantileSketch*>(this)->unsorted();
}

inline void QuantileSketch::update(double value) {
  if (observed_ == kMaxObserved) refuse_more();
  if (!std::isfinite(value)) return update_apart(value, 1);
  view_.clear();
  std::vector<double>* const values = unsorted();
  if (values != nullptr && values->size() < values->capacity()) {
    values->push_back(value + 0.0);
  } else {
    update_full(value + 0.0);
  }
  ++observed_;
}

}  // namespace lightmeter::sketch
