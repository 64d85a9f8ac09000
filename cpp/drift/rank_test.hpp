#pragma once

#include "drift/contingency.hpp"
#include "drift/interval.hpp"

namespace lightmeter::drift {

// How likely two samples differ as much as these in location or spread, if the labels were dealt at
// random, given the pooled values with their ties. Two tests have half of the level each: van der
// Waerden's of location (1952), and Klotz's of spread (1962).
//
// Each value has two scores: z and z^2, where u is its rank as a share of all and z the normal
// quantile of u; each averaged over the ranks that the value holds. The sums over the target,
// standardised with their exact variance under such deals, are W1 and W2. Skewness is taken out of
// each (Wilson and Hilferty). The statistic is T = max(W1^2, W2^2).
//
// Where the smaller sample has at most 200 values, the p-value comes from random deals of it: of
// untied samples from a table of their sizes, which the process keeps; else from rank_test_tail.
// With errors of the distribution functions the sums lie between ends, and so does the p-value.
// `needless` is a p-value that makes the answer of no interest where it is larger: then no more
// deals are made.
[[nodiscard]] Interval rank_test_p_value(const Contingency& merged, double target_error,
                                         double reference_error, double needless);

// P(T >= t) in the limit: 1 - (1 - p)^2, where p is that of one normal variable. Sums that are
// correlated, as those of skewed ties are, only make it less (Sidak, 1967). Deals of untied samples
// of 10 to 1000 against 10 to 50 000 values, up to six million a case, exceeded it by no more than
// chance wherever it is at most 0.1.
[[nodiscard]] double rank_test_tail(double t);

}  // namespace lightmeter::drift
