#include "sketch/covariance.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include "error.hpp"
#include "sketch/limits.hpp"
#include "sketch/sorted_floats.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

namespace {

// To a multiple of 2^-240; 0 has no sign. Numbers from 2^-188 on are one anyway.
double rounded(double value) noexcept {
  constexpr double kShift = 0x1.8p-188;  // its last bit is 2^-240
  return std::abs(value) < 0x1p-189 ? (value + kShift) - kShift : value;
}

}  // namespace

Covariance::Covariance(std::size_t dimensions)
    : means_(dimensions), rests_(dimensions), comoments_(dimensions * (dimensions + 1) / 2) {
  if (dimensions > kMaxDimensions) {
    throw std::invalid_argument("got " + std::to_string(dimensions) +
                                " dimensions; expected 0 to " + std::to_string(kMaxDimensions));
  }
}

void Covariance::update(std::span<const double> row) {
  if (row.size() != dimensions() || row.empty()) {
    throw std::invalid_argument("got a row of " + std::to_string(row.size()) +
                                " numbers; expected " + std::to_string(dimensions()));
  }
  if (!std::ranges::all_of(row, takes)) {
    throw std::invalid_argument("got a number that is not finite or not below 2^128");
  }
  check_sum(n_, 1);
  push(row);
}

void Covariance::push(std::span<const double> rows) {
  if (rows.empty()) return;
  for (const double value : rows) rows_.push_back(rounded(value));
  n_ += rows.size() / dimensions();
  if (rows_.size() > kFewRows * dimensions()) fold();
}

void Covariance::fold() {
  const std::size_t k = dimensions();
  std::array<double, 2 * kFewRows> weights;
  std::size_t count = 0;
  std::uint64_t before = n_ - (rows_.empty() ? 0 : rows_.size() / k);
  for (double* row = rows_.data(); row != rows_.data() + rows_.size(); row += k) {
    for (std::size_t i = 0; i < k; ++i) row[i] = (row[i] - means_[i]) - rests_[i];
    weights[count++] = move_means({row, k}, before++, 1);
  }
  add_products(rows_, std::span(weights).first(count));
  rows_.clear();
}

Covariance Covariance::folded() const {
  Covariance copy(*this);
  copy.fold();
  return copy;
}

// Chan, Golub and LeVeque (1979): moments.cpp has the proof. `above` is what the means of `count`
// more rows are above those of the rows `before`. Differences are taken first of all, so that what
// is rounded is as small as the spread. Returns the weight of their products in the co-moments.
double Covariance::move_means(std::span<const double> above, std::uint64_t before,
                              std::uint64_t count) noexcept {
  const auto a = static_cast<double>(before);
  const auto b = static_cast<double>(count);
  const double share = b / (a + b);
  for (std::size_t i = 0; i < above.size(); ++i) {
    // Knuth's sum of two numbers without an error, whichever is larger.
    const double step = above[i] * share + rests_[i];
    const double mean = means_[i] + step;
    const double taken = mean - means_[i];
    rests_[i] = (means_[i] - (mean - taken)) + (step - taken);
    means_[i] = mean;
  }
  return a * share;
}

// For each number its products with those from it on, a row after the other. These sums are in an
// array of their own, which the compiler knows to be apart from the rows.
void Covariance::add_products(std::span<const double> above,
                              std::span<const double> weights) noexcept {
  std::array<double, kMaxDimensions> sums;
  double* products = comoments_.data();
  // No rows have no place either.
  for (std::size_t left = weights.empty() ? 0 : dimensions(); left > 0; --left) {
    std::copy_n(products, left, sums.begin());
    const double* row = above.data() + dimensions() - left;
    for (const double weight : weights) {
      const double weighted = weight * row[0];
      for (std::size_t j = 0; j < left; ++j) sums[j] += weighted * row[j];
      row += dimensions();
    }
    products = std::copy_n(sums.begin(), left, products);
  }
}

std::vector<double> Covariance::means_above(const Covariance& other) const {
  const Covariance own = folded();
  const Covariance others = other.folded();
  std::vector<double> above(dimensions());
  for (std::size_t i = 0; i < above.size(); ++i) {
    above[i] = (own.means_[i] - others.means_[i]) + (own.rests_[i] - others.rests_[i]);
  }
  return above;
}

void Covariance::merge(const Covariance& other) {
  if (other.dimensions() != dimensions()) {
    throw IncompatibleError("got covariances of " + std::to_string(other.dimensions()) +
                            " dimensions; expected " + std::to_string(dimensions()));
  }
  check_sum(n_, other.n_);
  if (other.n_ <= kFewRows) return push(std::vector(other.rows_));
  if (n_ == 0) {
    *this = other;
    return;
  }
  fold();
  const Covariance others = other.folded();
  const std::vector<double> above = others.means_above(*this);
  for (std::size_t i = 0; i < comoments_.size(); ++i) comoments_[i] += others.comoments_[i];
  const double weight = move_means(above, n_, other.n_);
  add_products(above, {&weight, 1});
  n_ += other.n_;
}

void Covariance::encode(wire::Writer& out) const {
  out.varint(dimensions());
  out.varint(n_);
  if (n_ == 0) return;
  if (n_ <= kFewRows) {
    const bool floats = std::ranges::all_of(rows_, fits_float);
    out.u8(floats ? 4 : 8);
    for (const double value : rows_) floats ? out.f32(static_cast<float>(value)) : out.f64(value);
    return;
  }
  const Covariance whole = folded();
  for (const auto* numbers : {&whole.means_, &whole.rests_, &whole.comoments_}) {
    for (const double number : *numbers) out.f64(number);
  }
}

// What is accepted is within bounds that merging keeps, so that no sum of it overflows: numbers below
// 2^128 have n (mean^2 + variance) < n 2^256, and here is a reserve for rounding.
Covariance Covariance::decode(wire::Reader& in) {
  using wire::require;
  const std::uint64_t dimensions = in.varint();
  require(dimensions <= kMaxDimensions, "covariance: too many dimensions");
  Covariance covariance(static_cast<std::size_t>(dimensions));
  const std::uint64_t n = in.varint();
  require(n <= kMaxCount, "covariance: a count above 2^56");
  require(n == 0 || dimensions > 0, "covariance: rows of no numbers");
  if (n == 0) return covariance;
  if (n <= kFewRows) {
    const std::uint8_t width = in.u8();
    require(width == 4 || width == 8, "covariance: numbers of no width");
    std::vector<double> rows(n * dimensions);
    for (double& value : rows) {
      value = width == 4 ? static_cast<double>(in.f32()) : in.f64();
      require(takes(value) && std::bit_cast<std::uint64_t>(rounded(value)) ==
                                  std::bit_cast<std::uint64_t>(value),
              "covariance: a number that no row has");
    }
    require(std::ranges::all_of(rows, fits_float) == (width == 4),
            "covariance: numbers of another width than they need");
    covariance.push(rows);
    return covariance;
  }
  auto& means = covariance.means_;
  auto& comoments = covariance.comoments_;
  covariance.n_ = n;
  for (auto* numbers : {&means, &covariance.rests_, &comoments}) {
    for (double& number : *numbers) number = in.f64();
  }
  const auto rows = static_cast<double>(n);
  std::array<double, kMaxDimensions> roots;
  const double* product = comoments.data();
  for (std::size_t i = 0; i < dimensions; product += dimensions - i, ++i) {
    require(std::abs(means[i]) <= 0x1p128 && means[i] + covariance.rests_[i] == means[i],
            "covariance: a mean that no numbers have");
    require(*product >= 0.0 && *product + rows * means[i] * means[i] <= 0x1p257 * rows,
            "covariance: a sum of squares that no numbers have");
    roots[i] = std::sqrt(*product);
  }
  product = comoments.data();
  for (std::size_t i = 0; i < dimensions; ++i) {
    for (std::size_t j = i; j < dimensions; ++j, ++product) {
      require(std::abs(*product) <= 1.000001 * roots[i] * roots[j],
              "covariance: a sum of products above those of squares");
    }
  }
  return covariance;
}

bool operator==(const Covariance& a, const Covariance& b) { return wire::same_bytes(a, b); }

}  // namespace lightmeter::sketch
