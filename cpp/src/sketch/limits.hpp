#pragma once

#include <cstdint>

namespace lightmeter::sketch {

// No count that is read from bytes or given by a caller may be higher, so that sums of counts and
// weights have room to spare in 64 bits.
inline constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 56;
inline constexpr int kMaxLevel = 56;

}  // namespace lightmeter::sketch
