#pragma once

#include "drift/interval.hpp"
#include "drift/merged_view.hpp"

namespace lightmeter::drift {

// Above this product of the sample sizes the exact law takes too long.
inline constexpr double kExactArea = 1e8;

// The Kolmogorov-Smirnov statistic D: the largest distance of the two distribution functions, ties
// collapsed. The fraction of two whole numbers, rounded once, while area() < 2^53.
[[nodiscard]] double ks_statistic(const MergedView& merged);

// P(D >= d) if the labels of the two samples were dealt at random, given the pooled values with
// their ties. Exact (lattice paths; below 1e-290 it is 0) while area() <= kExactArea. Above,
// Kolmogorov's limit without ties, and with ties a Monte Carlo estimate of at most 9999 draws, or
// Kolmogorov's limit, which ties only make smaller, where that is below what so many draws can
// tell.
[[nodiscard]] double ks_p_value(const MergedView& merged, double d);

// The same for samples whose ties are unknown, as if there were none: ties can only make it less.
[[nodiscard]] double ks_p_value_untied(std::uint64_t n, std::uint64_t m, double d);

// D and its p-value where the distribution functions may be off by `error` together.
struct KsTest {
  Interval statistic;
  Interval p_value;
};
[[nodiscard]] KsTest ks_test(const MergedView& merged, double error);

}  // namespace lightmeter::drift
