#include "drift/special.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace lightmeter::drift {

namespace {

// The regularised incomplete beta function I_x(a, b), y = 1 - x: its continued fraction
// (NIST Handbook 8.17.22) by Lentz's method, which converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x, double y) {
  double c = 1.0;
  double d = 1.0 / (1.0 - (a + b) * x / (a + 1.0));
  double fraction = d;
  for (double k = 1.0; k < 10000.0; k += 1.0) {
    const double even = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k));
    c = 1.0 + even / c;
    d = 1.0 / (1.0 + even * d);
    fraction *= c * d;
    const double odd = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0));
    c = 1.0 + odd / c;
    d = 1.0 / (1.0 + odd * d);
    fraction *= c * d;
    if (std::abs(c * d - 1.0) < 1e-16) break;
  }
  const double log_front =
      a * std::log(x) + b * std::log(y) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  return std::exp(log_front) * fraction / a;
}

}  // namespace

// Wichura's AS 241 (Applied Statistics 37, 1988), to 1e-16.
double normal_quantile(double p) {
  const auto ratio = [](double x, const std::array<double, 8>& top,
                        const std::array<double, 8>& bottom) {
    double above = 0.0;
    double below = 0.0;
    for (std::size_t k = 8; k > 0; --k) {
      above = above * x + top[k - 1];
      below = below * x + bottom[k - 1];
    }
    return above / below;
  };
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    return q * ratio(0.180625 - q * q,
                     {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                      1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                      3.3430575583588128105e4, 2.5090809287301226727e3},
                     {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
                      5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
                      2.8729085735721942674e4, 5.2264952788528545610e3});
  }
  const double r = std::sqrt(-std::log(std::min(p, 1.0 - p)));
  const double far =
      r <= 5.0
          ? ratio(r - 1.6,
                  {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                   3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                   2.27238449892691845833e-2, 7.74545014278341407640e-4},
                  {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
                   6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
                   5.47593808499534494600e-4, 1.05075007164441684324e-9})
          : ratio(r - 5.0,
                  {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                   2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                   2.71155556874348757815e-5, 2.01033439929228813265e-7},
                  {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
                   1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
                   1.42151175831644588870e-7, 2.04426310338993978564e-15});
  return q < 0.0 ? -far : far;
}

// For whole degrees of freedom the incomplete gamma function is a finite sum of positive terms
// (Abramowitz and Stegun 26.4.4 and 26.4.5): with h = x / 2, h^(k / 2 - 1) / Gamma(k / 2) times
// exp(-h), for each k <= dof that is as odd or even as dof, from 2 or 3 on.
double chi_square_tail(double x, std::uint64_t dof) {
  if (!(x > 0.0)) return 1.0;
  const double half = x / 2.0;
  const double log_half = std::log(half);
  double sum = dof % 2 == 0 ? 0.0 : std::erfc(std::sqrt(half));
  for (std::uint64_t k = 2 + dof % 2; k <= dof; k += 2) {
    const double a = static_cast<double>(k) / 2.0;
    sum += std::exp((a - 1.0) * log_half - half - std::lgamma(a));
  }
  return std::min(sum, 1.0);
}

// Below 0.2 it is 1 to 1e-12, and from there on 30 terms are more than enough.
double kolmogorov_tail(double x) {
  if (!(x >= 0.2)) return 1.0;
  double sum = 0.0;
  for (int k = 1; k <= 30; ++k) {
    const double term = 2.0 * std::exp(-2.0 * k * k * x * x);
    sum += k % 2 == 1 ? term : -term;
    if (term <= sum * 1e-17) break;
  }
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

constexpr std::uint64_t kManyDegrees = std::uint64_t{1} << 28;

// P(F > f) is I_y(b, a) and 1 - I_x(a, b): the one whose fraction converges. The second is of tails
// that are not small.
double f_tail(double f, std::uint64_t dof, std::uint64_t of_noise) {
  if (!(f > 0.0)) return 1.0;
  // The limit, where the fraction has lost digits: both are off by less than 1e-4 of the tail.
  if (of_noise > kManyDegrees) return chi_square_tail(f * static_cast<double>(dof), dof);
  const double a = static_cast<double>(dof) / 2.0;
  const double b = static_cast<double>(of_noise) / 2.0;
  const double top = a * f;
  if (std::isinf(top)) return 0.0;
  const double x = top / (top + b);
  const double y = b / (top + b);
  const bool is_low = x < (a + 1.0) / (a + b + 2.0);
  return is_low ? 1.0 - beta_fraction(a, b, x, y) : beta_fraction(b, a, y, x);
}

double student_tail(double t, std::uint64_t dof) { return f_tail(t * t, 1, dof); }

double student_quantile(double tail, std::uint64_t dof) {
  double low = 0.0;
  double high = 1.0;
  while (student_tail(high, dof) > tail) high *= 2.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2.0;
    (student_tail(middle, dof) > tail ? low : high) = middle;
  }
  return high;
}

}  // namespace lightmeter::drift
