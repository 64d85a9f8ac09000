#pragma once

#include <cstdint>
#include <vector>

#include "drift/contingency.hpp"
#include "sketch/sorted_view.hpp"

namespace lightmeter::drift {

// Two samples on one axis: the distinct values of both, rising, and how often each side has them.
// Every statistic of two samples is read off it, so all of them speak of the same data.
struct MergedView : Contingency {
  std::vector<double> values;

  void push(double value, std::uint64_t of_target, std::uint64_t of_reference) {
    values.push_back(value);
    Contingency::push(of_target, of_reference);
  }
};

[[nodiscard]] MergedView merge_views(const sketch::SortedView& target,
                                     const sketch::SortedView& reference);

}  // namespace lightmeter::drift
