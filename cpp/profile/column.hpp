#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "box.hpp"
#include "meaning.hpp"
#include "profile/codec.hpp"
#include "profile/number_facts.hpp"
#include "profile/paths.hpp"
#include "sketch/distinct.hpp"
#include "sketch/frequent.hpp"
#include "sketch/moments.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::profile {

// Everything known of one feature: numbers, strings, and how many observations were missing.
//
// While the quantile sketch is exact it is all that is stored of the numbers: moments, distinct
// count and frequent values are derived from its values in sorted order, so that any order and any
// tree of merges gives the same bytes. Beyond, they are kept beside it.
class Column {
 public:
  // Longer strings are cut here, so that no value can make a profile large.
  static constexpr std::size_t kMaxString = 128;

  // The name keys the coins of the quantile sketch.
  explicit Column(std::string_view name = {}, const Meaning& meaning = {});

  // A column of counts[v] observations of v / step each; integers where step divides v.
  [[nodiscard]] static Column of_counts(std::span<const std::uint64_t> counts,
                                        std::uint64_t step = 1);

  // Each of these throws IncompatibleError, and changes nothing, if that would make more than 2^56
  // observations.
  void update(double value, bool integral = false);  // NaN and infinities are counted apart
  void update(std::int64_t value) { update(static_cast<double>(value), true); }
  void update(std::string_view value, std::uint64_t count = 1);
  void update_null(std::uint64_t count = 1);
  // As 16 hexadecimal digits, and where the picture is that has this hash; empty if that is not
  // known. Makes the column one of hashes.
  void update_hash(std::uint64_t hash, std::string_view path);
  // As one update() each, but faster; of integers too many to list, other rare ones may be kept.
  void update(std::span<const double> values, bool integral = false);
  void add_meaning(const Meaning& meaning) noexcept { meaning_.add(meaning); }
  // Says of numbers that were added before that they were bools or dates. std::invalid_argument
  // unless there are so many integers and others.
  void add_types(std::uint64_t bools, std::uint64_t dates);
  // `other` must not be this column.
  void merge(const Column& other);

  [[nodiscard]] const Meaning& meaning() const noexcept { return meaning_; }
  [[nodiscard]] std::uint64_t null() const noexcept { return null_; }
  [[nodiscard]] std::uint64_t integral() const noexcept { return numbers_.or_empty().integral; }
  [[nodiscard]] std::uint64_t fractional() const noexcept {
    return numbers().observed() - integral();
  }
  [[nodiscard]] std::uint64_t bools() const noexcept { return numbers_.or_empty().bools; }
  [[nodiscard]] std::uint64_t dates() const noexcept { return numbers_.or_empty().dates; }
  [[nodiscard]] std::uint64_t strings() const noexcept { return frequent_strings().n(); }
  // Observations that were not missing.
  [[nodiscard]] std::uint64_t values() const noexcept { return numbers().observed() + strings(); }
  [[nodiscard]] std::uint64_t observations() const noexcept { return values() + null_; }

  [[nodiscard]] const sketch::QuantileSketch& numbers() const noexcept {
    return numbers_.or_empty().sketch;
  }
  // Both are derived anew at each call while the sketch of numbers is exact.
  [[nodiscard]] NumberFacts number_facts() const;
  [[nodiscard]] sketch::Moments moments() const;
  [[nodiscard]] const sketch::FrequentStrings& frequent_strings() const noexcept {
    return strings_.or_empty().frequent;
  }
  [[nodiscard]] const sketch::DistinctCount& distinct_strings() const noexcept {
    return strings_.or_empty().distinct;
  }
  // Of a picture with this hash; empty if none is known.
  [[nodiscard]] std::string_view path_of(std::string_view hash) const {
    return strings_.or_empty().paths.find(hash);
  }
  void forget_paths() noexcept {
    if (strings_) strings_->paths = {};
  }

  struct Numbers {
    explicit Numbers(std::uint64_t key = 0) : sketch(key) {}

    std::uint64_t integral = 0;
    std::uint64_t bools = 0;  // of the integers: 0 and 1
    std::uint64_t dates = 0;  // of the others: dates and times, as seconds since 1970
    sketch::QuantileSketch sketch;
    Box<NumberFacts> facts;  // once the sketch is no longer exact
  };
  struct Strings {
    sketch::FrequentStrings frequent;
    sketch::DistinctCount distinct;
    Paths paths;  // of hashes
  };
  // A column of sketches that were made elsewhere. Facts of numbers that are all listed, and the
  // distinct count of strings that are, are taken from the lists. DecodeError unless the parts are
  // of one column.
  [[nodiscard]] static Column of_parts(std::string_view name, const Meaning& meaning,
                                       std::uint64_t null, Numbers numbers, Strings strings);

  // To be read into a new column.
  void layout(Codec& codec);

 private:
  // Derives what follows from exact sketches. DecodeError unless the parts are of one column.
  void complete();
  template <class Change, class ChangeFacts>
  void change_numbers(std::uint64_t more, std::uint64_t more_integral, Change&& change,
                      ChangeFacts&& change_facts);

  std::uint64_t key_;  // of the coins
  std::uint64_t null_ = 0;
  Box<Numbers> numbers_;
  Box<Strings> strings_;
  Meaning meaning_;
};

// A file of columns of a few bytes each must not make many times as much of memory.
static_assert(sizeof(Column) <= 40);

}  // namespace lightmeter::profile
