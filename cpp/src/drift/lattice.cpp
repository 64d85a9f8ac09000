#include "drift/lattice.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lightmeter::drift {

namespace {

// Keeps products away from the subnormal numbers, which are a hundred times slower.
constexpr double kTiny = 1e-300;
constexpr double kLeast = 1e-290;

}  // namespace

// Let u(i, j) be the probability that a random path to (i, j) has crossed. Its last step came from
// the left with probability i / (i + j), and both predecessors' paths are random too, so
//
//   u(i, j) = (i u(i - 1, j) + j u(i, j - 1)) / (i + j),   or 1 where (i, j) itself has crossed.
//
// Only positive terms are added, so small probabilities keep their relative precision. The loop
// goes along the diagonals s = i + j, because a tie is a run of steps during which nothing is
// checked, so whether to check is a matter of s alone. u is 1 outside [low, high], which is the
// part of the diagonal inside the bound at the last check, widened by one with each step since.
double crossing_probability(std::uint64_t n, std::uint64_t m, double bound,
                            std::span<const std::uint64_t> ends) {
  if (!(bound > 0.0)) return 1.0;
  if (n > m) std::swap(n, m);
  const auto right = static_cast<std::ptrdiff_t>(n);
  const auto up = static_cast<std::ptrdiff_t>(m);
  // u(i) is at place n - i: its predecessor u(i - 1) then comes behind it, and a rising loop over
  // places may write in place and still be vectorised.
  std::vector<double> u(static_cast<std::size_t>(right) + 2, 1.0);
  std::vector<double> steps_right(u.size());
  for (std::ptrdiff_t k = 0; k <= right; ++k) steps_right[k] = static_cast<double>(right - k);
  const auto inside = [&](std::ptrdiff_t i, std::ptrdiff_t s) {
    return std::abs(static_cast<double>(i) * static_cast<double>(m) -
                    static_cast<double>(s - i) * static_cast<double>(n)) < bound;
  };
  std::ptrdiff_t low = 0;
  std::ptrdiff_t high = 0;
  u[right] = 0.0;
  std::size_t next_end = 0;
  for (std::ptrdiff_t s = 1; s <= right + up; ++s) {
    low = std::max(low, s - up);
    high = std::min(high + 1, right);
    const double inverse = 1.0 / static_cast<double>(s);
    const double length = static_cast<double>(s);
    double* here = u.data();
    const double* steps = steps_right.data();
    for (std::ptrdiff_t k = right - high; k <= right - low; ++k) {
      here[k] = (steps[k] * here[k + 1] + (length - steps[k]) * here[k]) * inverse + kTiny;
    }
    if (!ends.empty()) {
      if (static_cast<std::uint64_t>(s) != ends[next_end]) continue;
      ++next_end;
    }
    while (low <= high && !inside(low, s)) u[right - low++] = 1.0;
    while (low <= high && !inside(high, s)) u[right - high--] = 1.0;
    if (low > high) return 1.0;
  }
  return u[0] < kLeast ? 0.0 : std::min(u[0], 1.0);
}

}  // namespace lightmeter::drift
