#pragma once

#include "drift/merged_view.hpp"
#include "kernels/hue.hpp"
#include "sketch/sorted_view.hpp"

namespace lightmeter::drift {

using kernels::kHueSteps;

// Mean and standard deviation; on the circle the circular ones.
struct Level {
  double mean;
  double stddev;
};

// Wasserstein-1 along the shorter way around the circle: the least, over c, of the integral of
// |F_t - F_r - c|, in steps. The median of F_t - F_r minimises it (Rabin, Delon, Gousseau, 2011).
[[nodiscard]] double circular_wasserstein(const MergedView& merged);

// Direction of the mean vector in [0, 255), NaN where it has none, and the circular standard
// deviation sqrt(-2 ln R) of its length R, both in steps; infinite at R = 0.
[[nodiscard]] Level circular_level(const sketch::SortedView& view);

}  // namespace lightmeter::drift
