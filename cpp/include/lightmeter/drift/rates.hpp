#pragma once

#include <cstdint>

namespace lightmeter::drift {

// Fisher's exact test of two shares, hits of n on either side: the probability, margins fixed, of
// all tables that are at most as likely as this one. Two-sided.
[[nodiscard]] double fisher_exact(std::uint64_t target_hits, std::uint64_t n_target,
                                  std::uint64_t reference_hits, std::uint64_t n_reference);

}  // namespace lightmeter::drift
