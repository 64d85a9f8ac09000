#pragma once

#include <cstdint>

namespace lightmeter::drift {

// In a table of untied samples.
inline constexpr double kMostTableDeals = 99999.0;

// The tail of T in the limit.
[[nodiscard]] double rank_score_tail(double t);

// What bounds P(T >= t) from above where the smaller of two untied samples has `smaller` values.
[[nodiscard]] double rank_score_bound(double t, std::uint64_t smaller);

// P(T >= t) of untied samples by random deals of the smaller one: one standard error more than the
// share of deals, as all samples of these sizes have the deals in common.
[[nodiscard]] double untied_rank_score_p_value(double t, std::uint64_t n, std::uint64_t m);

}  // namespace lightmeter::drift
