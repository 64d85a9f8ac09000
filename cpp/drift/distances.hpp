#pragma once

#include "drift/contingency.hpp"
#include "drift/merged_view.hpp"

namespace lightmeter::drift {

// Wasserstein-1: the integral of |F_t - F_r|, in the unit of the values.
[[nodiscard]] double wasserstein(const MergedView& merged);

// At most K bins of about equal mass, the mass of a value being the mean of its shares on the two
// sides; K = min(n_target, n_reference) / 10, but 2 to 20. A value with at least 1/K of the mass
// has a bin of its own, and where there are at most K values every one has.
[[nodiscard]] Contingency quantile_bins(const Contingency& merged);

// All with p = target[i] / n_target, q = reference[i] / n_reference:
//   hellinger           sqrt(1 - sum sqrt(p q)), in [0, 1]
//   hellinger_debiased  of two samples of one distribution H^2 is (K - 1) / 8 (1/n + 1/m) on
//                       average (8 nm / (n + m) H^2 tends to chi-square, Freeman and Tukey); the
//                       root of what is left of H^2 without it, or 0
//   jensen_shannon      the distance (root of the divergence in bits), in [0, 1]
//   psi                 sum (p - q) ln(p / q), half an observation being added to each bin
struct BinnedDistances {
  double hellinger;
  double hellinger_debiased;
  double jensen_shannon;
  double psi;
};
[[nodiscard]] BinnedDistances binned_distances(const Contingency& binned);

}  // namespace lightmeter::drift
