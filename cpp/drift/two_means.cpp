#include "drift/two_means.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace lightmeter::drift {

namespace {

using sketch::ExactSums;

// Products of two sums, and of a sum and a count, fit with room to spare.
constexpr std::size_t kWide = 2 * ExactSums::kLimbs + 2;
// A squared sum has twice the quantum of a sum of products.
constexpr std::size_t kShift = static_cast<std::size_t>(-ExactSums::kQuantum) / 64;
static_assert(ExactSums::kQuantum % 64 == 0);

// In two's complement, the lowest limb first. Arithmetic wraps.
using Whole = std::array<std::uint64_t, kWide>;

// (high, low) of a b + c + d, which fits.
struct Limbs {
  std::uint64_t high;
  std::uint64_t low;
};
__extension__ using Wide = unsigned __int128;

constexpr Limbs multiplied(std::uint64_t a, std::uint64_t b, std::uint64_t c,
                           std::uint64_t d) noexcept {
  const Wide sum = static_cast<Wide>(a) * b + c + d;
  return {static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum)};
}

Whole whole(const ExactSums& sums, std::size_t i) {
  Whole value;
  for (std::size_t place = 0; place < ExactSums::kLimbs; ++place) {
    value[place] = sums.limb(i, place);
  }
  const bool negative = value[ExactSums::kLimbs - 1] >> 63 != 0;
  std::fill(value.begin() + ExactSums::kLimbs, value.end(), negative ? ~std::uint64_t{0} : 0);
  return value;
}

bool is_negative(const Whole& value) noexcept { return value.back() >> 63 != 0; }

Whole negated(Whole value) noexcept {
  bool carry = true;
  for (std::uint64_t& limb : value) {
    limb = ~limb + static_cast<std::uint64_t>(carry);
    carry = carry && limb == 0;
  }
  return value;
}

Whole difference(Whole a, const Whole& b) noexcept {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < kWide; ++i) {
    const std::uint64_t taken = a[i] - b[i];
    const std::uint64_t left = taken - borrow;
    borrow = static_cast<std::uint64_t>(a[i] < b[i]) | static_cast<std::uint64_t>(taken < borrow);
    a[i] = left;
  }
  return a;
}

// Sum i of both sides.
Whole total(const ExactSums& sums, const ExactSums& others, std::size_t i) {
  Whole value;
  std::uint64_t carry = 0;
  std::uint64_t signs = 0;
  for (std::size_t place = 0; place < ExactSums::kLimbs; ++place) {
    const std::uint64_t own = sums.limb(i, place);
    const std::uint64_t other = others.limb(i, place);
    const std::uint64_t added = own + other;
    value[place] = added + carry;
    carry = static_cast<std::uint64_t>(added < other) |
            static_cast<std::uint64_t>(value[place] < carry);
    signs = (0 - (own >> 63)) + (0 - (other >> 63));
  }
  const std::uint64_t rest = signs + carry;  // of the limbs above: 0, -1 or -2, and the carry
  std::fill(value.begin() + ExactSums::kLimbs, value.end(), 0 - (rest >> 63));
  value[ExactSums::kLimbs] = rest;
  return value;
}

// Limbs of a number that is not negative, without the zeros above.
std::size_t size_of(const Whole& value) noexcept {
  std::size_t size = kWide;
  while (size > 0 && value[size - 1] == 0) --size;
  return size;
}

// The place of the lowest limb that is not 0: sums have zeros below what numbers hold.
std::size_t first_of(const Whole& value) noexcept {
  std::size_t first = 0;
  while (first < kWide && value[first] == 0) ++first;
  return first;
}

Whole product(const Whole& a, const Whole& b) noexcept {
  const bool negative = is_negative(a) != is_negative(b);
  const Whole x = is_negative(a) ? negated(a) : a;
  const Whole y = is_negative(b) ? negated(b) : b;
  const std::size_t size = size_of(x);
  const std::size_t first = first_of(y);
  const std::size_t other = size_of(y);
  Whole result{};
  for (std::size_t i = first_of(x); i < size; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = first; j < other && i + j < kWide; ++j) {
      const Limbs limbs = multiplied(x[i], y[j], result[i + j], carry);
      result[i + j] = limbs.low;
      carry = limbs.high;
    }
    if (i + other < kWide) result[i + other] = carry;
  }
  return negative ? negated(result) : result;
}

// value * count * 2^(64 places), which fits.
Whole times(const Whole& value, std::uint64_t count, std::size_t places = 0) noexcept {
  Whole result{};
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i + places < kWide; ++i) {
    const Limbs limbs = multiplied(value[i], count, 0, carry);
    result[i + places] = limbs.low;
    carry = limbs.high;
  }
  return result;
}

// part * 2^exponent, the part below 2^64: a double alone would overflow.
struct Scaled {
  double part = 0.0;
  int exponent = 0;
};

Scaled scaled(const Whole& value) noexcept {
  const Whole magnitude = is_negative(value) ? negated(value) : value;
  const std::size_t size = size_of(magnitude);
  if (size == 0) return {};
  const int shift = std::countl_zero(magnitude[size - 1]);
  std::uint64_t top = magnitude[size - 1] << shift;
  if (shift > 0 && size > 1) top |= magnitude[size - 2] >> (64 - shift);
  const double part = static_cast<double>(top);
  const int exponent = 64 * (static_cast<int>(size) - 1) - shift;
  return {is_negative(value) ? -part : part, exponent};
}

Scaled root(Scaled square) noexcept {
  if (square.exponent % 2 != 0) square = {square.part * 2.0, square.exponent - 1};
  return {std::sqrt(square.part), square.exponent / 2};
}

double ratio(Scaled a, Scaled b) noexcept {
  return std::ldexp(a.part / b.part, a.exponent - b.exponent);
}

}  // namespace

TwoMeans two_means(const sketch::Covariance& target, const sketch::Covariance& reference) {
  const ExactSums sums = target.sums();
  const ExactSums others = reference.sums();
  const std::size_t k = target.dimensions();
  const std::uint64_t n = target.n();
  const std::uint64_t m = reference.n();
  std::vector<Whole> totals;
  for (std::size_t i = 0; i < k; ++i) totals.push_back(total(sums, others, i));
  // As many times the sum of squares about the mean as there are rows.
  const auto about_mean = [&](std::size_t i, std::size_t j) {
    const std::size_t place = k + i * k - i * (i + 1) / 2 + j;
    const Whole products = times(total(sums, others, place), n + m, kShift);
    return scaled(difference(products, product(totals[i], totals[j])));
  };
  TwoMeans result;
  std::vector<Scaled> roots;
  const double rows = static_cast<double>(n + m);
  const double pairs = static_cast<double>(n) * static_cast<double>(m);
  for (std::size_t i = 0; i < k; ++i) {
    const Scaled square = about_mean(i, i);
    if (!(square.part > 0.0)) continue;  // hostile sums may be below 0
    result.places.push_back(i);
    roots.push_back(root(square));
    const Whole apart = difference(times(whole(sums, i), m), times(whole(others, i), n));
    result.apart.push_back(ratio(scaled(apart), roots.back()) / pairs * std::sqrt(rows));
  }
  const std::size_t size = result.places.size();
  result.correlations.assign(size * size, 1.0);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = i + 1; j < size; ++j) {
      const Scaled square = about_mean(result.places[i], result.places[j]);
      const Scaled scale{roots[i].part * roots[j].part, roots[i].exponent + roots[j].exponent};
      const double correlation = std::clamp(ratio(square, scale), -1.0, 1.0);
      result.correlations[i * size + j] = result.correlations[j * size + i] = correlation;
    }
  }
  return result;
}

}  // namespace lightmeter::drift
