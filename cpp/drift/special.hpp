#pragma once

#include <cmath>
#include <cstdint>

namespace lightmeter::drift {

// ln(n!), to 1e-14 of its size.
[[nodiscard]] inline double log_factorial(std::uint64_t n) {
  return std::lgamma(static_cast<double>(n) + 1.0);
}

// The x that a standard normal variable is below with probability 0 < p < 1.
[[nodiscard]] double normal_quantile(double p);

// P(X > x) for a chi-square variable with `dof` >= 1 degrees of freedom.
[[nodiscard]] double chi_square_tail(double x, std::uint64_t dof);

// P(K > x) for the supremum K of |Brownian bridge| (Kolmogorov), and for the range of a Brownian
// bridge (Kuiper): the limits of sqrt(nm / (n + m)) times the two statistics.
[[nodiscard]] double kolmogorov_tail(double x);
[[nodiscard]] double kuiper_tail(double x);

// P(|T| > t) of Student's distribution with `dof` >= 1 degrees of freedom, and the t where it is
// `tail`, 0 < tail <= 1.
[[nodiscard]] double student_tail(double t, std::uint64_t dof);
[[nodiscard]] double student_quantile(double tail, std::uint64_t dof);

// P(X > f) of Fisher's F distribution with `dof` and `of_noise` >= 1 degrees of freedom; with more
// than 2^28 of noise that of the chi-square limit.
[[nodiscard]] double f_tail(double f, std::uint64_t dof, std::uint64_t of_noise);

}  // namespace lightmeter::drift
