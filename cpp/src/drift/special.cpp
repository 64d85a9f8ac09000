#include "drift/special.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace lightmeter::drift {

namespace {

constexpr std::size_t kTableSize = 64;

std::array<double, kTableSize> factorial_table() {
  std::array<double, kTableSize> table{};
  for (std::size_t n = 1; n < kTableSize; ++n) {
    table[n] = table[n - 1] + std::log(static_cast<double>(n));
  }
  return table;
}

}  // namespace

// Stirling's series; from 64 on its first left-out term is below 1e-15.
double log_factorial(std::uint64_t n) {
  static const std::array<double, kTableSize> kTable = factorial_table();
  if (n < kTableSize) return kTable[static_cast<std::size_t>(n)];
  const double x = static_cast<double>(n);
  const double inverse = 1.0 / x;
  const double square = inverse * inverse;
  return (x + 0.5) * std::log(x) - x + 0.5 * std::log(2.0 * std::numbers::pi) +
         inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260)));
}

// For whole degrees of freedom the incomplete gamma function is a finite sum of positive terms
// (Abramowitz and Stegun 26.4.4 and 26.4.5): with h = x / 2, h^k / k! or h^(k - 1/2) / Gamma(k +
// 1/2) times exp(-h), and Gamma(k + 1/2) = (2k)! sqrt(pi) / (4^k k!).
double chi_square_tail(double x, std::uint64_t dof) {
  if (!(x > 0.0)) return 1.0;
  const double half = x / 2.0;
  const double log_half = std::log(half);
  const bool even = dof % 2 == 0;
  double sum = even ? 0.0 : std::erfc(std::sqrt(half));
  for (std::uint64_t k = even ? 0 : 1; k < (dof + 1) / 2; ++k) {
    const double power = static_cast<double>(k);
    const double log_gamma = even ? log_factorial(k)
                                  : log_factorial(2 * k) - log_factorial(k) -
                                        power * std::log(4.0) + 0.5 * std::log(std::numbers::pi);
    sum += std::exp((even ? power : power - 0.5) * log_half - half - log_gamma);
  }
  return std::min(sum, 1.0);
}

double chi_square_quantile(double tail, std::uint64_t dof) {
  double low = 0.0;
  double high = 1.0;
  while (chi_square_tail(high, dof) > tail) high *= 2.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2.0;
    (chi_square_tail(middle, dof) > tail ? low : high) = middle;
  }
  return high;
}

// The alternating series converges at once for large x, its theta transform for small x.
double kolmogorov_tail(double x) {
  if (!(x > 0.0)) return 1.0;
  if (x < 0.5) {
    const double t = std::numbers::pi * std::numbers::pi / (8.0 * x * x);
    double sum = 0.0;
    for (int k = 1; k <= 9; k += 2) sum += std::exp(-k * k * t);
    return 1.0 - std::sqrt(2.0 * std::numbers::pi) / x * sum;
  }
  double sum = 0.0;
  for (int k = 1; k <= 12; ++k) sum += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * x * x);
  return std::clamp(sum, 0.0, 1.0);
}

double kuiper_tail(double x) {
  if (x < 0.4) return 1.0;  // 1 to 1e-9
  double sum = 0.0;
  for (int k = 1; k <= 12; ++k) {
    const double y = 2.0 * k * k * x * x;
    sum += 2.0 * (2.0 * y - 1.0) * std::exp(-y);
  }
  return std::clamp(sum, 0.0, 1.0);
}

}  // namespace lightmeter::drift
