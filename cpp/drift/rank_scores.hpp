#pragma once

#include "drift/interval.hpp"
#include "drift/merged_view.hpp"

namespace lightmeter::drift {

// How likely two samples differ as much as these in location, spread or tails, if the labels were
// dealt at random, given the pooled values with their ties.
//
// Each value has three scores: z, z^2 and v^32, where u is its rank as a share of all, z the normal
// quantile of u and v = 2u - 1; each averaged over the ranks that the value holds. The sums over
// the target, made uncorrelated in this order and standardised with their exact variance under
// such deals, are W1, W2 and W3. Skewness is taken out of each (Wilson and Hilferty). The statistic
//
//   T = max(W1^2, W1^2 + W2^2 + W3^2 - 7)
//
// spends most of the level on location and loses little for spread and tails. Its limit has
// P(T >= t) = erfc(sqrt(t / 2)) + sqrt(2t / pi) exp(-(t + 7) / 2).
//
// Where the smaller sample has at most 200 values, the p-value comes from random deals of it: of
// untied samples from a table of their sizes, which the process keeps; else from the limit, times
// a factor of which ARCHITECTURE says how it was found. With errors of the distribution functions
// the sums lie between ends, and so does the p-value. `needless` is a p-value that makes
// the answer of no interest where it is larger: then no more deals are made.
[[nodiscard]] Interval rank_score_p_value(const MergedView& merged, double target_error,
                                          double reference_error, double needless);

}  // namespace lightmeter::drift
