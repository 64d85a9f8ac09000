#pragma once

#include <cmath>

#include "measure/metric.hpp"

namespace lightmeter::measure {

// Sums of squares of differences over a chunk. Compilers turn 16-bit differences that are squared
// and added in 32 bits into one instruction.
template <class S>
using ChunkSum = std::conditional_t<sizeof(S) == 1, std::int32_t, std::int64_t>;

// Where the chunk ends that starts here: no sum over so many elements overflows.
LIGHTMETER_INLINE constexpr std::size_t chunk_end(std::size_t start, std::size_t n,
                                                  std::size_t chunk) noexcept {
  return n - start < chunk ? n : start + chunk;
}

// The same value, which the compiler does not know. Sums of |a - b| over bytes, and of products of
// 16-bit numbers, take one instruction each. Sums of bytes and of 16-bit numbers have none: they are
// written as |a - 0| and a * 1, which must not be simplified.
template <class T>
[[nodiscard]] LIGHTMETER_INLINE T unknown(T value) noexcept {
  asm("" : "+r"(value));
  return value;
}

template <class S>
[[nodiscard]] LIGHTMETER_INLINE std::int32_t distance(S a, S b) noexcept {
  const std::int32_t difference = std::int32_t{a} - std::int32_t{b};
  return difference < 0 ? -difference : difference;
}

// A sum in 128 bits, kept as its halves: compilers load a whole one into a vector register, and wait
// for the halves that they stored just before.
struct LongSum {
  std::uint64_t low = 0, high = 0;

  LIGHTMETER_INLINE void add(std::int64_t term) noexcept {
    const auto bits = static_cast<std::uint64_t>(term);
    low += bits;
    high += static_cast<std::uint64_t>(low < bits) - static_cast<std::uint64_t>(term < 0);
  }
  void add(const LongSum& other) noexcept {
    low += other.low;
    high += other.high + static_cast<std::uint64_t>(low < other.low);
  }
  [[nodiscard]] SignedWide value() const noexcept {
    return static_cast<SignedWide>(Wide{high} << 64 | low);
  }

  friend bool operator==(const LongSum&, const LongSum&) = default;
};

// Mean and variance of n integers below 2^21 in size, from exact sums of them and their squares.
struct Spread {
  double mean, variance;

  // The squares are moved by the integer next to the mean first, without rounding. The variance
  // left, M / n - f^2 with |f| <= 1/2 and M / n >= |f|, loses no more than one bit; it is 0 exactly
  // where all integers are equal.
  static Spread of(std::uint64_t n, SignedWide sum, SignedWide squares) noexcept {
    if (n == 0) return {kNan, kNan};
    const auto count = static_cast<SignedWide>(n);
    SignedWide near = sum / count;
    SignedWide rest = sum % count;
    if (2 * rest > count) near += 1, rest -= count;
    if (2 * rest < -count) near -= 1, rest += count;
    const SignedWide moved = squares - near * (sum + rest);
    const double f = static_cast<double>(rest) / static_cast<double>(n);
    return {static_cast<double>(sum) / static_cast<double>(n),
            static_cast<double>(moved) / static_cast<double>(n) - f * f};
  }
};

}  // namespace lightmeter::measure
