#include "decode/jpeg_dct.hpp"

#include <cstdlib>

namespace lightmeter::decode {
namespace {

// The DCT is orthonormal: no sample is further from first / 8 than the square root of the energy.
// 1200 / 8 + 350 is 500, and the constants and roundings add less than 2. Between the passes a value
// is at most 4 * 1200 + 4 sqrt(8) * 350, so that the sum of two is below 2^15 as well.
constexpr int kFirst = 1200;
constexpr std::int64_t kEnergy = 350 * 350;

// Of samples within 512, the energy is at most (8 * 512)^2.
constexpr std::int64_t kMostEnergy = std::int64_t{kMostValue} * kMostValue;

bool is_exact_in_full(const std::array<std::int16_t, 64>& values) noexcept {
  constexpr int kMostBetween = 15000;  // half of 2^15, and inverse_dct's bound
  std::array<int, 64> between;
  bool exact = true;
  for (int x = 0; x < 8; ++x) {
    inverse_dct<kColumnShift>(&values[static_cast<std::size_t>(x)], 8, [&](int y, int value) {
      exact = exact && std::abs(value) <= kMostBetween;
      between[static_cast<std::size_t>(8 * y + x)] = value;
    });
  }
  if (!exact) return false;
  for (std::size_t y = 0; y < 64; y += 8) {
    inverse_dct<kRowShift>(
        &between[y], 1, [&](int, int sample) { exact = exact && sample >= -512 && sample <= 511; });
  }
  return exact;
}

}  // namespace

bool is_exact(int first, std::int64_t energy, const std::array<std::int16_t, 64>& values) noexcept {
  if (std::abs(first) <= kFirst && energy <= kEnergy) [[likely]] {
    return true;
  }
  return std::abs(first) <= kMostValue && energy <= kMostEnergy && is_exact_in_full(values);
}

}  // namespace lightmeter::decode
