#include "sketch/projections.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sketch/mix.hpp"

namespace lightmeter::sketch {

namespace {

// ln x for x > 0, by a series: a library's logarithm may differ in the last bit.
double logarithm(double x) noexcept {
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  constexpr double kRootHalf = 0x1.6a09e667f3bcdp-1;
  int exponent = 0;
  double part = std::frexp(x, &exponent);
  if (part < kRootHalf) {
    part *= 2.0;
    --exponent;
  }
  const double z = (part - 1.0) / (part + 1.0);  // at most 0.172
  const double square = z * z;
  double sum = 0.0;
  for (int k = 14; k >= 0; --k) sum = sum * square + 1.0 / (2.0 * k + 1.0);
  return 2.0 * z * sum + static_cast<double>(exponent) * kLn2;
}

// Marsaglia's polar method.
std::vector<double> gaussians(std::uint64_t key, std::size_t count) {
  Coins coins{.key = key};
  const auto uniform = [&] { return static_cast<double>(coins.draw() >> 11) * 0x1p-52 - 1.0; };
  std::vector<double> numbers;
  numbers.reserve(count + 1);
  while (numbers.size() < count) {
    const double x = uniform();
    const double y = uniform();
    const double square = x * x + y * y;
    if (square >= 1.0 || square == 0.0) continue;
    const double factor = std::sqrt(-2.0 * logarithm(square) / square);
    numbers.push_back(x * factor);
    numbers.push_back(y * factor);
  }
  numbers.resize(count);
  return numbers;
}

}  // namespace

Projections::Projections(std::uint64_t key, std::size_t length) : length_(length) {
  if (length <= kProjections) return;
  rows_ = std::make_shared<const std::vector<double>>(
      gaussians(mix(key, length), kProjections * length));
}

std::size_t Projections::size() const noexcept { return std::min(length_, kProjections); }

// Number i goes to lane i mod 8, so that every compiler adds in this order.
void Projections::project(std::span<const double> vector, std::span<double> result) const noexcept {
  constexpr std::size_t kLanes = 8;
  if (!rows_) {
    std::ranges::copy(vector, result.begin());
    return;
  }
  const double* row = rows_->data();
  for (double& sum : result) {
    std::array<double, kLanes> lanes{};
    std::size_t i = 0;
    for (; i + kLanes <= length_; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] += vector[i + lane] * row[i + lane];
      }
    }
    for (std::size_t lane = 0; i < length_; ++i, ++lane) lanes[lane] += vector[i] * row[i];
    sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
          ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    row += length_;
  }
}

}  // namespace lightmeter::sketch
