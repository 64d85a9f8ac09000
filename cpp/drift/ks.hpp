#pragma once

#include "drift/contingency.hpp"

namespace lightmeter::drift {

// By how much the distribution function of the target is above that of the reference at most, and
// how much below it, as counts of area(): exact while that is below 2^53.
struct Gaps {
  double above = 0.0;
  double below = 0.0;
};
[[nodiscard]] Gaps largest_gaps(const Contingency& merged);

// The Kolmogorov-Smirnov statistic D: the largest distance of the two distribution functions, ties
// collapsed.
[[nodiscard]] double ks_statistic(const Contingency& merged);

// P(D >= d) if the labels of the two samples were dealt at random, given the pooled values with
// their ties. Where these are not `known` it is as if there were none: ties can only make it less.
//
// Exact (lattice paths; below 1e-290 it is 0) while area() is at most 1e8, or without ties and of
// unlike sizes 2^20, which two lists of values have at most. Above, Kolmogorov's limit without ties:
// at 17 pairs of sizes it was no less, and at most a tenth more where p is at least 1e-3 and both
// sides have 200 values. With ties a Monte Carlo estimate of at most 9999 draws, or the limit where
// that is below what so many draws can tell.
[[nodiscard]] double ks_p_value(const Contingency& merged, double d, bool known);

}  // namespace lightmeter::drift
