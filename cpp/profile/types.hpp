#pragma once

#include <cstdint>

#include "profile/codec.hpp"
#include "profile/column.hpp"

namespace lightmeter::profile {

// Of the numbers of a column, how many were bools (0 or 1, which are integers) and how many were
// dates or times (seconds since 1970, which are no integers).
struct Types {
  std::uint64_t bools = 0;
  std::uint64_t dates = 0;

  // Both counts are parts of those of a column, so that no sum is above 2^56.
  void merge(const Types& other) noexcept {
    bools += other.bools;
    dates += other.dates;
  }
  [[nodiscard]] bool fit(const Column& column) const noexcept {
    return bools <= column.integral() && dates <= column.fractional();
  }
  void layout(Codec& codec) {
    codec.count(bools);
    codec.count(dates);
    codec.require(bools + dates > 0, "types of a column that has no bool and no date");
  }
};

}  // namespace lightmeter::profile
