#pragma once

#include <cstdint>
#include <string_view>

namespace lightmeter::sketch {

// A bijection of 64-bit numbers that changes about half of the result's bits with every bit of the
// argument (xor-shift-multiply). Results are part of the file format: distinct counts and coins of
// KLL mode depend on it, so it never changes.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9;
  x ^= x >> 27;
  x *= 0x94D049BB133111EB;
  x ^= x >> 31;
  return x;
}

// Folds `value` into a running hash; the order of values matters.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  return mix((hash ^ value) + 0x9E3779B97F4A7C15);
}

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash, std::string_view text) noexcept {
  for (const char letter : text) hash = mix(hash, std::uint64_t{static_cast<std::uint8_t>(letter)});
  return hash;
}

[[nodiscard]] constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  return mix(mix(0, text.size()), text);
}

// Random bits by counting: draw i is a function of (key, i), so a sketch that was written and read
// again goes on with the coins it would have had. There is no clock and no shared state.
struct Coins {
  std::uint64_t key = 0;
  std::uint64_t counter = 0;

  [[nodiscard]] constexpr std::uint64_t draw() noexcept { return mix(key, counter++); }
  // Uniform in [0, 2^bits).
  [[nodiscard]] constexpr std::uint64_t draw(int bits) noexcept {
    return bits == 0 ? 0 : draw() >> (64 - bits);
  }
};

}  // namespace lightmeter::sketch
