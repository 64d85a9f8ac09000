#include "lightmeter/drift/circular.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "drift/random_split.hpp"
#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr int kKuiperDraws = 2499;
constexpr double kSlack = 1.0 - 1e-12;
constexpr std::uint64_t kMostDealt = 10000;

// Deals the labels of untied samples at random, sixteen deals side by side, and gives the range of
// n m (F_t - F_r) of each. Only shifts, adds and single-precision products, so that the compiler
// makes vectors of the lanes; the generator is Chris Doty-Humphrey's sfc32. n m < 2^31.
class UntiedDeals {
 public:
  UntiedDeals(std::int32_t n, std::int32_t m, Random& random) : n_(n), m_(m) {
    for (int lane = 0; lane < kLanes; ++lane) {
      a_[lane] = random.bits();
      b_[lane] = random.bits();
      c_[lane] = random.bits();
    }
    for (int i = 0; i < 16; ++i) advance();
  }

  [[nodiscard]] double range() {
    if (next_ == kLanes) deal();
    return static_cast<double>(ranges_[next_++]);
  }

 private:
  static constexpr int kLanes = 16;

  void advance() noexcept {
    ++counter_;
    for (int lane = 0; lane < kLanes; ++lane) {
      drawn_[lane] = a_[lane] + b_[lane] + counter_;
      a_[lane] = b_[lane] ^ (b_[lane] >> 9);
      b_[lane] = c_[lane] + (c_[lane] << 3);
      c_[lane] = ((c_[lane] << 21) | (c_[lane] >> 11)) + drawn_[lane];
    }
  }

  void deal() {
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

double untied_p_value(const MergedView& merged, double v) {
  Random random(merged.target, merged.reference);
  UntiedDeals deals(static_cast<std::int32_t>(merged.n_target),
                    static_cast<std::int32_t>(merged.n_reference), random);
  return monte_carlo_p(kKuiperDraws,
                       [&, bound = v * merged.area() * kSlack] { return deals.range() >= bound; });
}

double kuiper_p_value(const MergedView& merged, double v, bool exact) {
  const double bound = exact ? ks_p_value(merged, v / 2.0)
                             : ks_p_value_untied(merged.n_target, merged.n_reference, v / 2.0);
  if (bound * (kKuiperDraws + 1.0) < 1.0) return bound;
  if (exact && merged.has_ties()) {
    return permuted_p_value(merged, kKuiperDraws, [v](const MergedView& dealt) {
      return kuiper_statistic(dealt) >= v * kSlack;
    });
  }
  if (merged.n_target + merged.n_reference <= kMostDealt) return untied_p_value(merged, v);
  const double n = static_cast<double>(merged.n_target);
  const double m = static_cast<double>(merged.n_reference);
  return kuiper_tail(std::sqrt(n / (n + m) * m) * v);
}

}  // namespace

double kuiper_statistic(const MergedView& merged) {
  double difference = 0.0;
  double highest = 0.0;
  double lowest = 0.0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    difference += merged.step(i);
    highest = std::max(highest, difference);
    lowest = std::min(lowest, difference);
  }
  return highest == lowest ? 0.0 : (highest - lowest) / merged.area();
}

KsTest kuiper_test(const MergedView& merged, double error) {
  const double v = kuiper_statistic(merged);
  if (error == 0.0) {
    const double p = kuiper_p_value(merged, v, true);
    return {{v, v, v}, {p, p, p}};
  }
  // Each of the two maxima may be off by `error`.
  const Interval range{v, std::max(0.0, v - 2.0 * error), std::min(1.0, v + 2.0 * error)};
  const auto p = [&](double at) { return kuiper_p_value(merged, at, false); };
  return {range, {p(range.value), p(range.high), p(range.low)}};
}

double circular_wasserstein(const MergedView& merged) {
  std::vector<std::pair<double, double>> parts;  // difference of F, and over how many steps
  double difference = 0.0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    difference += merged.step(i) / merged.area();
    const bool last = i + 1 == merged.size();
    const double end = last ? merged.values.front() + kHueSteps : merged.values[i + 1];
    parts.emplace_back(last ? 0.0 : difference, end - merged.values[i]);
  }
  std::ranges::sort(parts);
  double seen = 0.0;
  double median = 0.0;
  for (const auto& [value, length] : parts) {
    median = value;
    if ((seen += length) >= kHueSteps / 2.0) break;
  }
  double sum = 0.0;
  for (const auto& [value, length] : parts) sum += std::abs(value - median) * length;
  return sum;
}

CircularMoments circular_moments(const sketch::SortedView& view) {
  constexpr double kRadians = 2.0 * std::numbers::pi / kHueSteps;
  double x = 0.0;
  double y = 0.0;
  double n = 0.0;
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const double weight = static_cast<double>(view.weight(i));
    const double angle = (view.values[i] + 0.5) * kRadians;
    x += weight * std::cos(angle);
    y += weight * std::sin(angle);
    n += weight;
  }
  const double length = std::min(1.0, std::hypot(x, y) / n);
  if (!(length > 1e-12)) {
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
  }
  double mean = std::atan2(y, x) / kRadians - 0.5;
  if (mean < 0.0) mean += kHueSteps;
  return {mean, std::sqrt(-2.0 * std::log(length)) / kRadians};
}

}  // namespace lightmeter::drift
