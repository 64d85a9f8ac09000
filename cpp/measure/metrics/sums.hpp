#pragma once

#include <cmath>
#include <cstddef>
#include <tuple>
#include <utility>

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

template <class S>
[[nodiscard]] LIGHTMETER_INLINE std::int32_t distance(S a, S b) noexcept {
  const std::int32_t difference = std::int32_t{a} - std::int32_t{b};
  return difference < 0 ? -difference : difference;
}

// What is added to a sum of small integers, so that compilers add many with one instruction. There
// are such for |a - b| of bytes and for a * b of 16-bit numbers; so b is a 0 or a 1 that they do not
// know.
template <class T>
class Term {
 public:
  LIGHTMETER_INLINE Term() noexcept { asm("" : "+r"(neutral_)); }

  [[nodiscard]] LIGHTMETER_INLINE auto operator()(T value) const noexcept {
    if constexpr (std::is_unsigned_v<T>) {
      return distance(value, neutral_);
    } else {
      return std::conditional_t<sizeof(T) == 2, std::int32_t, std::int64_t>{value} * neutral_;
    }
  }
  // A sample to be squared.
  [[nodiscard]] LIGHTMETER_INLINE Difference<T> wide(T sample) const noexcept {
    return static_cast<Difference<T>>(sample - neutral_);
  }

 private:
  T neutral_ = std::is_unsigned_v<T> ? 0 : 1;
};

// The sum of n samples.
template <class S>
[[nodiscard]] LIGHTMETER_INLINE std::uint64_t sum_of(const S* samples, std::size_t n) noexcept {
  constexpr std::size_t kChunk = 1 << 20;  // 255 times so many fits 32 bits
  const Term<S> term;
  std::uint64_t sum = 0;
  for (std::size_t start = 0; start < n; start += kChunk) {
    const std::size_t end = chunk_end(start, n, kChunk);
    ChunkSum<S> chunk_sum = 0;
    for (std::size_t i = start; i < end; ++i) chunk_sum += term(samples[i]);
    sum += static_cast<std::uint64_t>(chunk_sum);
  }
  return sum;
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

// Adds what other pixels of the same image gave: to a sum, an array of sums, or those of a metric.
template <class T>
void add(T& to, const T& other) {
  if constexpr (requires { T::sums(to); }) {
    constexpr std::size_t kSums = std::tuple_size_v<decltype(T::sums(to))>;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (add(std::get<I>(T::sums(to)), std::get<I>(T::sums(other))), ...);
    }(std::make_index_sequence<kSums>());
  } else if constexpr (requires { to.add(other); }) {
    to.add(other);
  } else if constexpr (std::is_integral_v<T>) {
    to += other;
  } else {
    for (std::size_t i = 0; i < to.size(); ++i) add(to[i], other[i]);
  }
}

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
