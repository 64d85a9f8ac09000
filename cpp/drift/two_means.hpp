#pragma once

#include <cstddef>
#include <vector>

#include "sketch/covariance.hpp"

namespace lightmeter::drift {

// How far the means of two samples of rows are apart, in units of what all rows of both vary.
struct TwoMeans {
  std::vector<std::size_t> places;   // of the numbers that vary; the rest is left out
  std::vector<double> apart;         // target less reference, in roots of the sum of squares of all
  std::vector<double> correlations;  // of all rows of both, one line after the other
};

// Of two samples of at least one row each, of as many numbers. The sums are exact, so that nothing
// is lost but by the last roundings: not for large means, and not for scales of any kind.
[[nodiscard]] TwoMeans two_means(const sketch::Covariance& target,
                                 const sketch::Covariance& reference);

}  // namespace lightmeter::drift
