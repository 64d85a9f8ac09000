#pragma once

#include <cstdint>

namespace lightmeter::drift {

// Fisher's exact test of two shares, hits of n on either side: the probability, margins fixed, of
// all tables that are at most as likely as this one. Two-sided. Beyond 2^40 observations of both sides
// together the chi-square limit, here and below. std::invalid_argument for hits > n.
[[nodiscard]] double fisher_exact(std::uint64_t target_hits, std::uint64_t n_target,
                                  std::uint64_t reference_hits, std::uint64_t n_reference);

// One-sided: the probability, margins fixed, that the target has so many hits or more.
[[nodiscard]] double fisher_more(std::uint64_t target_hits, std::uint64_t n_target,
                                 std::uint64_t reference_hits, std::uint64_t n_reference);

}  // namespace lightmeter::drift
