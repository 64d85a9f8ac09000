#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "profile/column.hpp"

namespace lightmeter::profile {

// A text that occurs often, or an integer, as its digits.
struct FrequentValue {
  std::string value;
  std::uint64_t lower;
  std::uint64_t estimate;
};

// What is known of the numbers and the texts of a column together.
struct Summary {
  sketch::Moments moments;  // of numbers
  // How many different numbers and texts there are, about, and between which ends.
  double distinct = 0.0;
  double distinct_lower = 0.0;
  double distinct_upper = 0.0;
  // By falling estimate; of equal ones texts come first, then lesser values.
  std::vector<FrequentValue> frequent;
};

[[nodiscard]] Summary summary_of(const Column& column);

}  // namespace lightmeter::profile
