#pragma once

#include "drift/contingency.hpp"

namespace lightmeter::drift {

// Kuiper's statistic V = max(F_t - F_r) + max(F_r - F_t), the same wherever the circle is cut.
[[nodiscard]] double kuiper_statistic(const Contingency& merged);

// P(V >= v) if the labels were dealt at random. Where both sides have at least 20 values and there
// are no ties, Kuiper's limit at (e + 0.155 + 0.24 / e) v, e^2 = nm / (n + m) (Stephens, 1970),
// times 1.2, which bounds it. Else a Monte Carlo estimate of at most 2499 draws; below what so many
// can tell that bound, as ties only make it less, or P(D >= v / 2), which holds as V <= 2 D. Where
// ties are not `known`, the bound, or where it is less the limit at e v, without correction.
[[nodiscard]] double kuiper_p_value(const Contingency& merged, double v, bool known);

}  // namespace lightmeter::drift
