#pragma once

#include <cstdint>
#include <string>

#include "error.hpp"

namespace lightmeter::sketch {

// No state counts more than this, so that sums of counts and weights have room to spare in 64 bits:
// readers refuse it, and so do merges before they change anything.
inline constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 56;
inline constexpr int kMaxLevel = 56;

// The sum.
inline std::uint64_t check_sum(std::uint64_t a, std::uint64_t b) {
  if (a <= kMaxCount && b <= kMaxCount - a) return a + b;
  throw IncompatibleError("got counts of " + std::to_string(a) + " and " + std::to_string(b) +
                          "; their sum must not be above 2^56");
}

}  // namespace lightmeter::sketch
