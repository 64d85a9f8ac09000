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
class Diagonals {
 public:
  // n <= m
  Diagonals(std::uint64_t n, std::uint64_t m, double bound)
      : right_(static_cast<std::ptrdiff_t>(n)),
        up_(static_cast<std::ptrdiff_t>(m)),
        bound_(bound),
        u_(n + 2, 1.0),
        steps_(n + 2) {
    for (std::ptrdiff_t k = 0; k <= right_; ++k) steps_[k] = static_cast<double>(right_ - k);
    u_[right_] = 0.0;
  }

  void step() {
    ++s_;
    low_ = std::max(low_, s_ - up_);
    high_ = std::min(high_ + 1, right_);
    const double length = static_cast<double>(s_);
    const double inverse = 1.0 / length;
    double* here = u_.data();
    const double* steps = steps_.data();
    for (std::ptrdiff_t k = right_ - high_; k <= right_ - low_; ++k) {
      here[k] = (steps[k] * here[k + 1] + (length - steps[k]) * here[k]) * inverse + kTiny;
    }
  }

  // Whether any path is left that has not crossed.
  bool check() {
    for (; low_ <= high_ && !inside(low_); ++low_) u_[right_ - low_] = 1.0;
    for (; low_ <= high_ && !inside(high_); --high_) u_[right_ - high_] = 1.0;
    return low_ <= high_;
  }

  [[nodiscard]] std::uint64_t made() const { return static_cast<std::uint64_t>(s_); }
  [[nodiscard]] double at(std::ptrdiff_t i) const { return u_[right_ - i]; }

 private:
  [[nodiscard]] bool inside(std::ptrdiff_t i) const {
    return std::abs(static_cast<double>(i) * static_cast<double>(up_) -
                    static_cast<double>(s_ - i) * static_cast<double>(right_)) < bound_;
  }

  std::ptrdiff_t right_;
  std::ptrdiff_t up_;
  double bound_;
  std::ptrdiff_t s_ = 0;
  std::ptrdiff_t low_ = 0;
  std::ptrdiff_t high_ = 0;
  // u(i) is at place n - i: its predecessor u(i - 1) then comes behind it, and a rising loop over
  // places may write in place and still be vectorised.
  std::vector<double> u_;
  std::vector<double> steps_;
};

// P(i) that a random path comes through i on the diagonal s, n <= s <= m, to a common factor.
std::vector<double> through(std::uint64_t n, std::uint64_t m, std::uint64_t s) {
  const double right = static_cast<double>(n);
  const double fewest_up = static_cast<double>(s) - right;
  const double most_up = static_cast<double>(m) - static_cast<double>(s);
  // P(i + 1) / P(i)
  const auto ratio = [&](double i) {
    return (right - i) * (fewest_up + right - i) / ((i + 1.0) * (most_up + i + 1.0));
  };
  std::vector<double> shares(n + 1, 0.0);
  const auto middle = static_cast<std::size_t>(n / 2);
  shares[middle] = 1.0;
  for (std::size_t i = middle; i < n && shares[i] > kTiny; ++i) {
    shares[i + 1] = shares[i] * ratio(static_cast<double>(i));
  }
  for (std::size_t i = middle; i > 0 && shares[i] > kTiny; --i) {
    shares[i - 1] = shares[i] / ratio(static_cast<double>(i - 1));
  }
  return shares;
}

// Without ties a path read backwards is as likely and crosses as often, so the first half of the
// diagonals says all: a path through i has crossed before or after, each by itself.
double by_halves(std::uint64_t n, std::uint64_t m, double bound) {
  Diagonals walk(n, m, bound);
  const std::uint64_t half = (n + m) / 2;
  while (walk.made() < half) {
    walk.step();
    if (!walk.check()) return 1.0;
  }
  std::vector<double> before(n + 1);
  for (std::size_t i = 0; i <= n; ++i) before[i] = walk.at(static_cast<std::ptrdiff_t>(i));
  if (half < n + m - half) {
    walk.step();
    if (!walk.check()) return 1.0;
  }
  const std::vector<double> shares = through(n, m, half);
  double crossed = 0.0;
  double all = 0.0;
  for (std::size_t i = 0; i <= n; ++i) {
    const double after = walk.at(static_cast<std::ptrdiff_t>(n - i));
    crossed += shares[i] * (before[i] + (1.0 - before[i]) * after);
    all += shares[i];
  }
  return crossed / all;
}

double between_ties(std::uint64_t n, std::uint64_t m, double bound,
                    std::span<const std::uint64_t> ends) {
  Diagonals walk(n, m, bound);
  for (const std::uint64_t end : ends) {
    while (walk.made() < end) walk.step();
    if (!walk.check()) return 1.0;
  }
  return walk.at(static_cast<std::ptrdiff_t>(n));
}

}  // namespace

double crossing_probability(std::uint64_t n, std::uint64_t m, double bound,
                            std::span<const std::uint64_t> ends) {
  if (!(bound > 0.0)) return 1.0;
  if (n > m) std::swap(n, m);
  const bool tied = !ends.empty();
  const double p = tied     ? between_ties(n, m, bound, ends)
                   : n == m ? equal_sizes(n, std::ceil(bound / static_cast<double>(n)))
                            : by_halves(n, m, bound);
  return p < kLeast ? 0.0 : std::min(p, 1.0);
}

}  // namespace lightmeter::drift
