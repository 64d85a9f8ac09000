#pragma once

#include "drift/contingency.hpp"
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

// Kuiper's statistic V = max(F_t - F_r) + max(F_r - F_t), the same wherever the circle is cut.
[[nodiscard]] double kuiper_statistic(const Contingency& merged);

// P(V >= v) if the labels were dealt at random. Where both sides have at least 20 values and there
// are no ties, Kuiper's limit at (e + 0.155 + 0.24 / e) v, e^2 = nm / (n + m) (Stephens, 1970),
// times 1.2, which bounds it. Else a Monte Carlo estimate of at most 2499 draws; below what so many
// can tell that bound, as ties only make it less, or P(D >= v / 2), which holds as V <= 2 D. Where
// ties are not `known`, the bound, or where it is less the limit at e v, without correction.
[[nodiscard]] double kuiper_p_value(const Contingency& merged, double v, bool known);

}  // namespace lightmeter::drift
