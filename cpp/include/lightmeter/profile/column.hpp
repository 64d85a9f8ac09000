#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lightmeter/profile/meaning.hpp"
#include "lightmeter/sketch/distinct.hpp"
#include "lightmeter/sketch/frequent.hpp"
#include "lightmeter/sketch/moments.hpp"
#include "lightmeter/sketch/quantiles.hpp"

namespace lightmeter::profile {

// An integer that was kept as a double: beyond 2^53 it has been rounded, and the ends of the range
// are cut, because the conversion of an out-of-range double is undefined.
[[nodiscard]] std::int64_t to_integer(double value) noexcept;

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
  explicit Column(std::string_view name, const Meaning& meaning = {});

  void update(double value);  // NaN and infinities are counted apart
  void update(std::int64_t value);
  void update(std::string_view value, std::uint64_t count = 1);
  void update_null() noexcept { ++null_; }
  void update_null(std::uint64_t count);  // IncompatibleError as for merge()
  // The same counts as one update() each, but faster.
  void update(std::span<const double> values);
  void update(std::span<const std::int64_t> values);
  // counts[v] observations of v / step each; integers where step divides v.
  void update_counts(std::span<const std::uint64_t> counts, std::uint64_t step = 1);
  void add_meaning(const Meaning& meaning) noexcept { meaning_.add(meaning); }
  // `other` must not be this column. IncompatibleError, and nothing changes, if that would make
  // more than 2^56 observations.
  void merge(const Column& other);

  [[nodiscard]] const Meaning& meaning() const noexcept { return meaning_; }
  [[nodiscard]] std::uint64_t null() const noexcept { return null_; }
  [[nodiscard]] std::uint64_t integral() const noexcept { return integral_; }
  [[nodiscard]] std::uint64_t fractional() const noexcept {
    return numbers_.observed() - integral_;
  }
  [[nodiscard]] std::uint64_t strings() const noexcept { return strings_.n(); }
  // Observations that were not missing.
  [[nodiscard]] std::uint64_t values() const noexcept { return numbers_.observed() + strings(); }
  [[nodiscard]] std::uint64_t observations() const noexcept { return values() + null_; }

  [[nodiscard]] const sketch::QuantileSketch& numbers() const noexcept { return numbers_; }
  [[nodiscard]] sketch::Moments moments() const { return number_facts().moments; }
  [[nodiscard]] sketch::DistinctCount distinct_numbers() const { return number_facts().distinct; }
  // Of a column of integers only; empty where there are fractions.
  [[nodiscard]] sketch::FrequentIntegers frequent_integers() const;
  [[nodiscard]] const sketch::FrequentStrings& frequent_strings() const noexcept {
    return strings_;
  }
  [[nodiscard]] const sketch::DistinctCount& distinct_strings() const noexcept {
    return distinct_strings_;
  }

  void encode(wire::Writer& out) const;
  [[nodiscard]] static Column decode(wire::Reader& in, std::string_view name);

 private:
  struct NumberFacts {
    sketch::Moments moments;
    sketch::DistinctCount distinct;
    sketch::FrequentIntegers frequent;

    void update(double value, std::uint64_t count, bool integral);
    void merge(const NumberFacts& other);
  };

  [[nodiscard]] static NumberFacts facts_of(const sketch::QuantileSketch& numbers, bool integral);
  [[nodiscard]] NumberFacts number_facts() const;
  void update_number(double value, bool integral);
  void update_numbers(std::span<const double> values, bool integral);

  Meaning meaning_;
  std::uint64_t null_ = 0;
  std::uint64_t integral_ = 0;
  sketch::QuantileSketch numbers_;
  std::optional<NumberFacts> facts_;  // once numbers_ is no longer exact
  sketch::FrequentStrings strings_;
  sketch::DistinctCount distinct_strings_;
};

}  // namespace lightmeter::profile
