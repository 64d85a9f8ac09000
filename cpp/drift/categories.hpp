#pragma once

#include <cstdint>

#include "drift/contingency.hpp"
#include "drift/distances.hpp"
#include "drift/interval.hpp"
#include "sketch/frequent.hpp"

namespace lightmeter::drift {

// A sample of categories: frequent strings, and further observations that make one category more.
struct Categories {
  const sketch::FrequentStrings& strings;
  std::uint64_t others = 0;

  [[nodiscard]] std::uint64_t n() const noexcept { return strings.n() + others; }
};

struct CategoryDrift {
  Interval total_variation;  // half the sum of |p - q|
  Interval p_value;
  BinnedDistances distances;
};

// Two samples of categories. Where the frequent values are estimates, the low and the high end are
// those of the counts within their bounds that are as like as possible and as unlike as possible.
// Not `tested` leaves the p-value 1.
[[nodiscard]] CategoryDrift compare_categories(const Categories& target,
                                               const Categories& reference, bool tested = true);

// P(chi-square statistic at least the observed one) if the labels of the two samples were dealt at
// random, which is valid however rare the categories are: Fisher's exact test of two categories,
// the chi-square limit where at least 5 of every category are expected on both sides, and else a
// Monte Carlo estimate of at most 9999 draws. Below what so many can tell, rare categories are
// joined until 5 of each are expected, and the limit (of two, Fisher's test) of these is p.
[[nodiscard]] double category_p_value(const Contingency& counts);

}  // namespace lightmeter::drift
