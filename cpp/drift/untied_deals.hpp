#pragma once

#include <cstdint>

#include "drift/random_split.hpp"

namespace lightmeter::drift {

// Deals the labels of untied samples at random, sixteen deals side by side, and gives the range of
// n m (F_t - F_r) of each. Only shifts, adds and single-precision products, so that the compiler
// makes vectors of the lanes; the generator is Chris Doty-Humphrey's sfc32. n m < 2^31.
class UntiedDeals {
 public:
  UntiedDeals(std::int32_t n, std::int32_t m, Random& random);

  [[nodiscard]] double range() {
    if (next_ == kLanes) deal();
    const double range = static_cast<double>(ranges_[next_]);
    ++next_;
    return range;
  }

 private:
  static constexpr int kLanes = 16;

  void advance() noexcept;
  void deal() noexcept;

  std::int32_t n_;
  std::int32_t m_;
  std::uint32_t counter_ = 0;
  std::uint32_t a_[kLanes];
  std::uint32_t b_[kLanes];
  std::uint32_t c_[kLanes];
  std::uint32_t drawn_[kLanes];
  std::int32_t ranges_[kLanes];
  int next_ = kLanes;
};

}  // namespace lightmeter::drift
