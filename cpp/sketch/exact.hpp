#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>
#include <vector>

#include "sketch/sorting.hpp"

namespace lightmeter::sketch {

// A list of values in any order, at most kMost of them.
class Exact {
 public:
  static constexpr std::size_t kMost = 1024;

  Exact() = default;
  explicit Exact(std::span<const double> values) : values_(values.begin(), values.end()) {}

  // False where the list would have to grow.
  [[nodiscard]] bool push(double value) {
    if (values_.size() == values_.capacity()) return false;
    values_.push_back(value);
    return true;
  }
  // reserve() allocates what it is asked for, in every standard library; a larger capacity would let
  // push() take too many values.
  void add(double value, std::size_t times = 1) {
    values_.reserve(std::min(kMost, std::bit_ceil(values_.size() + times)));
    values_.insert(values_.end(), times, value);
  }
  void clear() noexcept { values_.clear(); }

  [[nodiscard]] const std::vector<double>& values() const noexcept { return values_; }
  [[nodiscard]] std::vector<double> sorted() const {
    std::vector<double> rising = values_;
    sort_values(std::span(rising));
    return rising;
  }

 private:
  std::vector<double> values_;
};

}  // namespace lightmeter::sketch
