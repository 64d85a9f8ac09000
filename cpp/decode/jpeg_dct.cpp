#include "decode/jpeg_dct.hpp"

#include <cstdlib>

namespace lightmeter::decode {

bool is_exact_in_full(int first, std::int64_t energy,
                      const std::array<std::int16_t, 64>& values) noexcept {
  // Of samples within 512, the energy is at most (8 * 512)^2.
  constexpr std::int64_t kMostEnergy = std::int64_t{kMostValue} * kMostValue;
  constexpr int kMostBetween = 16383;  // of which two are below 2^15
  if (std::abs(first) > kMostValue || energy > kMostEnergy) return false;
  std::array<int, 64> between;
  bool exact = true;
  for (std::size_t x = 0; x < 8; ++x) {
    inverse_dct<kColumnShift>(&values[8 * x], [&](int y, int value) {
      exact = exact && std::abs(value) <= kMostBetween;
      between[8 * static_cast<std::size_t>(y) + x] = value;
    });
  }
  if (!exact) return false;
  for (std::size_t y = 0; y < 8; ++y) {
    inverse_dct<kRowShift>(&between[8 * y], [&](int, int sample) {
      exact = exact && sample >= -512 && sample <= 511;
    });
  }
  return exact;
}

}  // namespace lightmeter::decode
