#include "sketch/moments.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "nan.hpp"
#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {
void Moments::update(double value, std::uint64_t count) {
  if (!std::isfinite(value)) {
    throw std::invalid_argument("got " + std::to_string(value) +
                                " for moments; expected a finite number");
  }
  Moments same;
  same.n_ = count;
  same.mean_ = value;
  merge(same);
}

// With a and b values of means A and B, d = B - A and n = a + b, the common mean is
//   M = (a A + b B) / n = A + d b / n.
// The squares of the first part about M instead of A: sum (x - M)^2 = S_A + a (A - M)^2, since the
// cross term holds sum (x - A) = 0. With A - M = -d b / n and B - M = d a / n the two parts give
//   S = S_A + S_B + a d^2 b^2 / n^2 + b d^2 a^2 / n^2 = S_A + S_B + d^2 a b / n.
// At b = 1 this is Welford's update. The mean never moves by more than d.
void Moments::merge(const Moments& other) {
  check_sum(n_, other.n_);
  if (other.n_ == 0) return;
  if (n_ == 0) {
    *this = other;
    return;
  }
  const auto a = static_cast<double>(n_);
  const auto b = static_cast<double>(other.n_);
  const double d = other.mean_ - mean_;
  const double share = b / (a + b);
  // d overflows between numbers near both ends of the range; the mean must not.
  mean_ = std::isfinite(d) ? mean_ + d * share : mean_ * (1.0 - share) + other.mean_ * share;
  m2_ += other.m2_ + d * d * a * share;
  n_ += other.n_;
}

double Moments::mean() const noexcept { return n_ == 0 ? kNan : mean_; }

double Moments::variance() const noexcept {
  if (n_ == 0) return kNan;
  return n_ == 1 ? 0.0 : m2_ / static_cast<double>(n_ - 1);
}

double Moments::stddev() const noexcept { return std::sqrt(variance()); }

// The layout: docs/format.md, "Moments".
void Moments::encode(wire::Writer& out) const {
  out.varint(n_);
  if (n_ == 0) return;
  out.f64(mean_);
  out.f64(m2_);
}

Moments Moments::decode(wire::Reader& in) {
  const std::uint64_t n = in.varint();
  if (n == 0) return {};
  const double mean = in.f64();
  return from_state(n, mean, in.f64());
}

Moments Moments::from_state(std::uint64_t n, double mean, double sum_of_squares) {
  using wire::require;
  require(n <= kMaxCount, "moments: a count above 2^56");
  require(std::isfinite(mean), "moments: the mean is not finite");
  // It may be infinite: the squares of large numbers overflow.
  require(sum_of_squares >= 0.0, "moments: the sum of squares is negative or NaN");
  require(n != 0 || (mean == 0.0 && sum_of_squares == 0.0),
          "moments: a mean or a spread of nothing");
  Moments moments;
  moments.n_ = n;
  moments.mean_ = mean;
  moments.m2_ = sum_of_squares;
  return moments;
}

}  // namespace lightmeter::sketch
