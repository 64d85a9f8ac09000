#include <cstdlib>

#include "kernels/unfilter.hpp"

namespace lightmeter::kernels {
namespace scalar {

// ISO/IEC 15948, 9.4.
int paeth_of(int left, int up, int up_left) noexcept {
  const int estimate = left + up - up_left;
  const int by_left = std::abs(estimate - left);
  const int by_up = std::abs(estimate - up);
  const int by_up_left = std::abs(estimate - up_left);
  if (by_left <= by_up && by_left <= by_up_left) return left;
  return by_up <= by_up_left ? up : up_left;
}

void sub(const std::uint8_t* coded, std::uint8_t* row, std::size_t n, std::size_t pixel) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    row[i] = static_cast<std::uint8_t>(coded[i] + (i < pixel ? 0 : row[i - pixel]));
  }
}

void up(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
        std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) row[i] = static_cast<std::uint8_t>(coded[i] + above[i]);
}

void average(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row, std::size_t n,
             std::size_t pixel) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const int left = i < pixel ? 0 : row[i - pixel];
    row[i] = static_cast<std::uint8_t>(coded[i] + (left + above[i]) / 2);
  }
}

void paeth(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row, std::size_t n,
           std::size_t pixel) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const int left = i < pixel ? 0 : row[i - pixel];
    const int up_left = i < pixel ? 0 : above[i - pixel];
    row[i] = static_cast<std::uint8_t>(coded[i] + paeth_of(left, above[i], up_left));
  }
}

const Unfilter kUnfilter = {sub, up, average, paeth};

}  // namespace scalar

const Unfilter& unfilter_of(std::string_view tier) {
#if defined(__x86_64__)
  if (tier == "haswell") return haswell::kUnfilter;
#elif defined(__aarch64__)
  if (tier == "neon") return neon::kUnfilter;
#endif
  (void)tier;
  return scalar::kUnfilter;
}

}  // namespace lightmeter::kernels
