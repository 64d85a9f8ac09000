#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sketch/distinct.hpp"
#include "sketch/frequent.hpp"
#include "sketch/moments.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::profile {

// An integer that was kept as a double: beyond 2^53 it has been rounded, and the ends of the range
// are cut, because the conversion of an out-of-range double is undefined.
[[nodiscard]] std::int64_t to_integer(double value) noexcept;

// What is told of numbers beside their distribution.
struct NumberFacts {
  sketch::Moments moments;
  sketch::DistinctCount distinct;
  sketch::FrequentIntegers frequent;  // of a column of integers only; else empty

  [[nodiscard]] static NumberFacts of(const sketch::QuantileSketch& exact, bool integral);

  void update(double value, bool integral);
  // Those that are finite, each once.
  void update(std::span<const double> values, bool integral);
  // rising[i] counts[i] times.
  void update(std::span<const double> rising, std::span<const std::uint64_t> counts, bool integral);
  void merge(const NumberFacts& other);

  // The texts of the column, and its integers as their digits, by falling estimate; of equal ones
  // texts come first, then lesser values.
  [[nodiscard]] std::vector<sketch::FrequentItem<std::string>> frequent_beside(
      const sketch::FrequentStrings& texts) const;
};

}  // namespace lightmeter::profile
