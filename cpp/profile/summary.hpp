#pragma once

#include <string>
#include <vector>

#include "profile/column.hpp"

namespace lightmeter::profile {

// What is known of the numbers and the texts of a column together.
struct Summary {
  sketch::Moments moments;  // of numbers
  // How many different numbers and texts there are, about, and between which ends.
  double distinct = 0.0;
  double distinct_lower = 0.0;
  double distinct_upper = 0.0;
  // Texts, and integers as their digits, by falling estimate; of equal ones texts come first, then
  // lesser values.
  std::vector<sketch::FrequentItem<std::string>> frequent;
};

[[nodiscard]] Summary summary_of(const Column& column);

}  // namespace lightmeter::profile
