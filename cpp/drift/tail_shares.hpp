#pragma once

#include "drift/contingency.hpp"
#include "drift/interval.hpp"

namespace lightmeter::drift {

// This share of the reference is its tail, on either side.
inline constexpr double kTailShare = 0.01;

// How much more of the target than of the reference lies strictly below the reference's 1 % point,
// and strictly above its 99 % point; 0 where it is less.
struct TailShares {
  Interval below;
  Interval above;

  [[nodiscard]] Interval both() const;
};

// The distribution functions may be off by the errors; then so are the two points.
[[nodiscard]] TailShares tail_shares(const Contingency& merged, double target_error,
                                     double reference_error);

}  // namespace lightmeter::drift
