#pragma once

#include <cmath>

namespace lightmeter::sketch {

// What the sampling of a quantile sketch may have cost, in ranks. The signed error of the rank of a
// fixed value is at most `fixed` plus a sum of independent terms of mean 0 that is sub-Gaussian
// with the variance proxy `variance`. Each verb adds one such term; its proof stands with it.
class RankError {
 public:
  RankError() = default;
  RankError(double variance, double fixed) noexcept : variance_(variance), fixed_(fixed) {}
  // One whose ranks(delta) is `ranks`, for an error that was measured and not proved.
  [[nodiscard]] static RankError measured(double ranks, double delta) noexcept {
    return {ranks * ranks / (2.0 * std::log(2.0 / delta)), 0.0};
  }

  // Sorted units in blocks of at most 2^level, of each of which one stands for all, at an offset
  // that is uniform. The error for x is (units of x's block below x) - 2^level [taken unit is below
  // x], with mean 0 and inside an interval of length 2^level, so its proxy is (2^level / 2)^2 by
  // Hoeffding's lemma. Only one block can err, so one term covers the run.
  void run(int level) noexcept { variance_ += 0.25 * std::ldexp(1.0, 2 * level); }

  // Two compactions at one level, see Compactors::compact. Of the sorted values one stays if their
  // number is odd, the first or the last, and two if it is even, the two last or the first and the
  // last; every other of the rest moves up. Let p be 1 if an odd number of that rest is <= x, else
  // 0; x's rank changes by +2^level or -2^level, as the coin falls, if p = 1, and not at all if
  // p = 0. Which values stay is a coin of its own: it moves the rest by one place, so p is 0 and 1
  // with probability 1/2 each, or surely 0 where x lies outside of the rest.
  //
  // The coin serves two compactions of a level, flipped for the second, so a pair errs by
  // +-2^level (p1 - p2). Given all that happened before, p2 is a fair coin or 0. What stayed the
  // first time may decide which of the two, so P(p1 != p2) <= 1/2 (1) + 1/2 (1/2) = 3/4, and since
  // 1/4 + 3/4 cosh(y) <= exp(3/8 y^2) the pair is sub-Gaussian with the proxy 3/4 4^level, charged
  // when its coin is drawn. Neither coin changes how many values a level holds: when levels are
  // compacted is not random, which the induction over the levels in the appendix needs.
  void pair(int level) noexcept { variance_ += 0.75 * std::ldexp(1.0, 2 * level); }

  // The middle of each block of at most 2^level stands for all: no rank moves by more than half of
  // the largest block.
  void half_step(int level) noexcept { fixed_ += std::ldexp(0.5, level); }

  // Errors of sketches with unlike coins are independent and their proxies add. With the same coins
  // they may be the same error twice: then the standard deviations add, which holds whatever the
  // dependence.
  void add(const RankError& other, bool same_coins) noexcept {
    if (same_coins) {
      const double deviation = std::sqrt(variance_) + std::sqrt(other.variance_);
      variance_ = deviation * deviation;
    } else {
      variance_ += other.variance_;
    }
    fixed_ += other.fixed_;
  }

  // With probability at least 1 - delta the rank of a value chosen beforehand is within this: the
  // tail of a sub-Gaussian sum, P(|error| > t) <= 2 exp(-t^2 / (2 variance)).
  [[nodiscard]] double ranks(double delta) const noexcept {
    return fixed_ + std::sqrt(2.0 * variance_ * std::log(2.0 / delta));
  }

  [[nodiscard]] double variance() const noexcept { return variance_; }
  [[nodiscard]] double fixed() const noexcept { return fixed_; }

 private:
  double variance_ = 0.0;
  double fixed_ = 0.0;
};

}  // namespace lightmeter::sketch
