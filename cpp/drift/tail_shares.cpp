#include "drift/tail_shares.hpp"

#include <algorithm>
#include <cstddef>

namespace lightmeter::drift {

namespace {

// Shares of both sides beyond the farthest value beyond which lies at most `most` of the reference.
// `at(k)` is the place of the k-th value from the end.
struct Beyond {
  double target = 0.0;
  double reference = 0.0;
};

template <class At>
Beyond beyond(const Contingency& merged, double most, At&& at) {
  const double limit = most * static_cast<double>(merged.n_reference);
  std::uint64_t target = 0;
  std::uint64_t reference = 0;
  for (std::size_t k = 0; k < merged.size(); ++k) {
    const std::size_t i = at(k);
    if (static_cast<double>(reference + merged.reference[i]) > limit) break;
    target += merged.target[i];
    reference += merged.reference[i];
  }
  return {static_cast<double>(target) / static_cast<double>(merged.n_target),
          static_cast<double>(reference) / static_cast<double>(merged.n_reference)};
}

// With errors the point lies between those at which `kTailShare`, less and more the error of the
// reference, is beyond. What the reference has beyond the true one is at most kTailShare.
template <class At>
Interval tail(const Contingency& merged, double target_error, double reference_error, At&& at) {
  const Beyond here = beyond(merged, kTailShare, at);
  const double value = std::max(0.0, here.target - here.reference);
  if (target_error == 0.0 && reference_error == 0.0) return {value, value, value};
  const Beyond outer = beyond(merged, kTailShare - reference_error, at);
  const Beyond inner = beyond(merged, kTailShare + reference_error, at);
  const double low = std::max(0.0, outer.target - target_error - kTailShare);
  const double high =
      inner.target + target_error - std::max(0.0, outer.reference - reference_error);
  return {value, std::min(value, low), std::clamp(high, value, 1.0)};
}

}  // namespace

Interval TailShares::both() const {
  return {std::min(1.0, below.value + above.value), std::min(1.0, below.low + above.low),
          std::min(1.0, below.high + above.high)};
}

TailShares tail_shares(const Contingency& merged, double target_error, double reference_error) {
  const auto from_below = [](std::size_t k) { return k; };
  const auto from_above = [&](std::size_t k) { return merged.size() - 1 - k; };
  return {tail(merged, target_error, reference_error, from_below),
          tail(merged, target_error, reference_error, from_above)};
}

}  // namespace lightmeter::drift
