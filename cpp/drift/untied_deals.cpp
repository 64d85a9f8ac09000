#include "drift/untied_deals.hpp"

#include <algorithm>

namespace lightmeter::drift {

UntiedDeals::UntiedDeals(std::int32_t n, std::int32_t m, Random& random) : n_(n), m_(m) {
  for (int lane = 0; lane < kLanes; ++lane) {
    a_[lane] = random.bits();
    b_[lane] = random.bits();
    c_[lane] = random.bits();
  }
  for (int i = 0; i < 16; ++i) advance();
}

void UntiedDeals::advance() noexcept {
  ++counter_;
  for (int lane = 0; lane < kLanes; ++lane) {
    drawn_[lane] = a_[lane] + b_[lane] + counter_;
    a_[lane] = b_[lane] ^ (b_[lane] >> 9);
    b_[lane] = c_[lane] + (c_[lane] << 3);
    c_[lane] = ((c_[lane] << 21) | (c_[lane] >> 11)) + drawn_[lane];
  }
}

void UntiedDeals::deal() noexcept {
  std::int32_t wanted[kLanes];
  std::int32_t at[kLanes] = {};
  std::int32_t high[kLanes] = {};
  std::int32_t low[kLanes] = {};
  for (std::int32_t& each : wanted) each = n_;
  for (std::int32_t left = n_ + m_; left > 0; --left) {
    advance();
    const float scale = static_cast<float>(left) * 0x1p-24F;
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto uniform = static_cast<float>(static_cast<std::int32_t>(drawn_[lane] >> 8));
      const std::int32_t taken = uniform * scale < static_cast<float>(wanted[lane]) ? -1 : 0;
      wanted[lane] += taken;
      at[lane] += (taken & (n_ + m_)) - n_;
      high[lane] = std::max(high[lane], at[lane]);
      low[lane] = std::min(low[lane], at[lane]);
    }
  }
  for (int lane = 0; lane < kLanes; ++lane) ranges_[lane] = high[lane] - low[lane];
  next_ = 0;
}

}  // namespace lightmeter::drift
