#include "sketch/projections.hpp"

#include <algorithm>
#include <array>

#include "sketch/mix.hpp"

namespace lightmeter::sketch {

namespace {

std::vector<double> signs(std::uint64_t key, std::size_t count) {
  Coins coins{.key = key};
  std::vector<double> signs(count);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < count; ++i, bits >>= 1) {
    if (i % 64 == 0) bits = coins.draw();
    signs[i] = (bits & 1) != 0 ? 1.0 : -1.0;
  }
  return signs;
}

}  // namespace

Projections::Projections(std::uint64_t key, std::size_t length) : length_(length) {
  if (length <= kProjections) return;
  rows_ =
      std::make_shared<const std::vector<double>>(signs(mix(key, length), kProjections * length));
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
