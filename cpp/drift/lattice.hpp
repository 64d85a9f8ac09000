#pragma once

#include <cstdint>
#include <span>

namespace lightmeter::drift {

// A path of n steps right and m steps up, all orders being as likely. The probability that at one
// of `ends`, numbers of steps made, |right m - up n| >= bound. Empty `ends` stand for every number
// of steps. Relative error about (n + m) 3e-16; below 1e-290 it is 0.
[[nodiscard]] double crossing_probability(std::uint64_t n, std::uint64_t m, double bound,
                                          std::span<const std::uint64_t> ends);

}  // namespace lightmeter::drift
