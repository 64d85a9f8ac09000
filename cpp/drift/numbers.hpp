#pragma once

#include <cstdint>
#include <optional>

#include "drift/circular.hpp"
#include "drift/distances.hpp"
#include "drift/tail_shares.hpp"
#include "sketch/moments.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::drift {

// The part of the level that Kolmogorov and Smirnov's test gets: it sees every change, if weakly,
// and its p-value is known however small it is.
inline constexpr double kKsLevel = 0.02;

enum class Axis : std::uint8_t { kLine, kHueCircle };

// A sample of numbers, and its moments, which are exact where the sketch samples.
struct Numbers {
  const sketch::QuantileSketch& sketch;
  sketch::Moments moments;
};

struct NumberDrift {
  Interval statistic;   // Kolmogorov-Smirnov's D, on the circle Kuiper's V
  Interval ks_p_value;  // of this statistic; 1 unless tested
  // That of the verdict: on the circle the same; on a line the smaller one of this / kKsLevel and
  // that of the rank test / (1 - kKsLevel), which no null hypothesis makes smaller (Bonferroni).
  // Of two values, where all tests are the same, this one.
  Interval p_value;
  TailShares tails;  // 0 on the circle
  BinnedDistances distances;
  double wasserstein;  // in the unit of the values; on the circle the shorter way round
  // The Wasserstein distance in units of how wide the reference is, signed as the mean changed; none
  // where that is 0 or infinite and the samples differ.
  std::optional<double> wasserstein_in_spreads;
  Level target;
  Level reference;
  // ln(target.stddev / reference.stddev); none where one of them is 0, and on the circle.
  std::optional<double> spread;
  bool one_value;  // only, the same on both sides
};

// Two samples of numbers, neither empty. Ranks of sketches that sample are within error(delta / 2)
// each, so with probability 1 - delta `statistic` and `p_value` lie between their ends. Not
// `tested` leaves out everything that takes the numbers for independent samples.
[[nodiscard]] NumberDrift compare_numbers(const Numbers& target, const Numbers& reference,
                                          Axis axis, bool tested, double delta);

}  // namespace lightmeter::drift
