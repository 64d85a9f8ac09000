#pragma once

#include <vector>

#include "drift/contingency.hpp"
#include "sketch/sorted_view.hpp"

namespace lightmeter::drift {

// Two samples on one axis: the distinct values of both, rising, and how often each side has them.
// Every statistic of two samples is read off it, so all of them speak of the same data.
struct MergedView : Contingency {
  std::vector<double> values;
};

[[nodiscard]] MergedView merge_views(const sketch::SortedView& target,
                                     const sketch::SortedView& reference);

}  // namespace lightmeter::drift
