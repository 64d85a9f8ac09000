#pragma once

#include "lightmeter/drift/ks.hpp"
#include "lightmeter/drift/merged_view.hpp"

namespace lightmeter::drift {

// Hue runs around a circle of this many steps, so that 0 follows 254.
inline constexpr double kHueSteps = 255.0;

// Kuiper's statistic V = max(F_t - F_r) + max(F_r - F_t), the same wherever the circle is cut.
[[nodiscard]] double kuiper_statistic(const MergedView& merged);

// P(V >= v) if the labels were dealt at random: a Monte Carlo estimate of at most 2499 draws. Where
// it would be below what so many draws can tell, the bound P(D >= v / 2), which holds as V <= 2 D.
// With error > 0, ties are unknown: draws without ties up to 10 000 values, Kuiper's limit above.
[[nodiscard]] KsTest kuiper_test(const MergedView& merged, double error);

// Wasserstein-1 along the shorter way around the circle: the least, over c, of the integral of
// |F_t - F_r - c|, which the median of F_t - F_r minimises (Rabin, Delon, Gousseau, 2011). In
// steps.
[[nodiscard]] double circular_wasserstein(const MergedView& merged);

// Direction of the mean vector in [0, 255), NaN where it has none, and the circular standard
// deviation sqrt(-2 ln R) of its length R, both in steps; infinite at R = 0.
struct CircularMoments {
  double mean;
  double stddev;
};
[[nodiscard]] CircularMoments circular_moments(const sketch::SortedView& view);

}  // namespace lightmeter::drift
