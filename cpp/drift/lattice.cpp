#include "drift/lattice.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace lightmeter::drift {

namespace {

// Keeps products away from the subnormal numbers, which are a hundred times slower.
constexpr double kTiny = 1e-300;
constexpr double kLeast = 1e-290;

// Of as many steps right as up, n each, a share C(2n, n - c) / C(2n, n) ends c further to one side
// once what follows the first crossing is mirrored (Gnedenko and Korolyuk). Paths that touch both
// bounds are counted twice, those that touch them in turn thrice, and so on:
//
//   p = 2 (r(c) - r(2c) + r(3c) - ...),   r(c) = (n - c + 1) / (n + 1) ... n / (n + c)
double equal_sizes(std::uint64_t n, double apart) {
  const double size = static_cast<double>(n);
  double ratio = 1.0;
  double sum = 0.0;
  double done = 0.0;
  for (double turn = 1.0; turn * apart <= size; turn += 1.0) {
    for (; done < turn * apart && ratio > kTiny; done += 1.0) {
      ratio *= (size - done) / (size + done + 1.0);
    }
    if (ratio <= sum * 1e-17 || ratio <= kTiny) break;
    sum += std::fmod(turn, 2.0) == 1.0 ? ratio : -ratio;
  }
  return std::min(1.0, 2.0 * sum);
}

// Let u(i, j) be the probability that a random path to (i, j) has crossed. Its last step came from
// the left with probability i / (i + j), and both predecessors' paths are random too, so
//
//   u(i, j) = (i u(i - 1, j) + j u(i, j - 1)) / (i + j),   or 1 where (i, j) itself has crossed.
//
// Only positive terms are added, so small probabilities keep their relative precision. The walk
// goes along the diagonals s = i + j, because a tie is a run of steps during which nothing is
// checked, so whether to check is a matter of s alone. u is 1 outside [low, high], which is the
// part of the diagonal inside the bound at the last check, widened by one with each step since.
double by_diagonals(std::uint64_t n, std::uint64_t m, double bound,
                    std::span<const std::uint64_t> ends) {
  const auto right = static_cast<std::ptrdiff_t>(n);
  const auto up = static_cast<std::ptrdiff_t>(m);
  // u(i) is at place n - i: its predecessor u(i - 1) then comes behind it, and a rising loop over
  // places may write in place and still be vectorised.
  std::vector<double> u(n + 2, 1.0);
  std::vector<double> steps(n + 2);
  for (std::ptrdiff_t k = 0; k <= right; ++k) steps[k] = static_cast<double>(right - k);
  u[right] = 0.0;
  std::ptrdiff_t low = 0;
  std::ptrdiff_t high = 0;
  for (std::ptrdiff_t s = 1; s <= right + up; ++s) {
    low = std::max(low, s - up);
    high = std::min(high + 1, right);
    const double length = static_cast<double>(s);
    const double inverse = 1.0 / length;
    for (std::ptrdiff_t k = right - high; k <= right - low; ++k) {
      u[k] = (steps[k] * u[k + 1] + (length - steps[k]) * u[k]) * inverse + kTiny;
    }
    if (!ends.empty() && !std::ranges::binary_search(ends, static_cast<std::uint64_t>(s))) continue;
    const auto has_crossed = [&](std::ptrdiff_t i) {
      return std::abs(static_cast<double>(i) * static_cast<double>(m) -
                      static_cast<double>(s - i) * static_cast<double>(n)) >= bound;
    };
    for (; low <= high && has_crossed(low); ++low) u[right - low] = 1.0;
    for (; low <= high && has_crossed(high); --high) u[right - high] = 1.0;
    if (low > high) return 1.0;  // no path is left
  }
  return u[0];
}

}  // namespace

double crossing_probability(std::uint64_t n, std::uint64_t m, double bound,
                            std::span<const std::uint64_t> ends) {
  if (!(bound > 0.0)) return 1.0;
  if (n > m) std::swap(n, m);
  const double p = ends.empty() && n == m
                       ? equal_sizes(n, std::ceil(bound / static_cast<double>(n)))
                       : by_diagonals(n, m, bound, ends);
  return p < kLeast ? 0.0 : std::min(p, 1.0);
}

}  // namespace lightmeter::drift
