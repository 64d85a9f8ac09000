#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "sketch/codec_checks.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::sketch {

template <class T>
QuantileSketch sketch_of(const std::vector<T>& values, std::uint64_t key = 0) {
  QuantileSketch sketch(key);
  sketch.update(std::span<const T>(values));
  return sketch;
}

// What must hold after every operation, in every mode.
inline void expect_sound(const QuantileSketch& sketch) {
  const SortedView& view = sketch.view();
  ASSERT_EQ(view.values.size(), view.cumulative.size());
  if (sketch.n() == 0) {
    EXPECT_TRUE(view.values.empty());
    EXPECT_TRUE(std::isnan(sketch.min()) && std::isnan(sketch.max()));
    EXPECT_TRUE(std::isnan(sketch.quantile(0.5)) && std::isnan(sketch.rank(0.0)));
    return;
  }
  ASSERT_FALSE(view.values.empty());
  EXPECT_EQ(view.cumulative.back(), sketch.n());
  for (std::size_t i = 1; i < view.values.size(); ++i) {
    EXPECT_LT(view.values[i - 1], view.values[i]);
    EXPECT_LT(view.cumulative[i - 1], view.cumulative[i]);
  }
  EXPECT_LE(sketch.min(), view.values.front());
  EXPECT_GE(sketch.max(), view.values.back());
  EXPECT_EQ(sketch.quantile(0.0), sketch.min());
  EXPECT_EQ(sketch.quantile(1.0), sketch.max());
  EXPECT_EQ(sketch.rank(sketch.max()), 1.0);
  EXPECT_LE(sketch.error(), 1.0);
  EXPECT_LE(sketch.pointwise_error(), sketch.error());
  if (sketch.is_exact()) {
    EXPECT_EQ(sketch.error(), 0.0);
  }
}

// Exact and counted mode against the plain list.
inline void expect_exact(const QuantileSketch& sketch, std::vector<double> values) {
  expect_sound(sketch);
  ASSERT_TRUE(sketch.is_exact());
  ASSERT_EQ(sketch.n(), values.size());
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  for (int i = 0; i <= 100; ++i) {
    const double q = i / 100.0;
    const auto rank = std::min(static_cast<std::size_t>(q * n), values.size() - 1);
    EXPECT_EQ(sketch.quantile(q), values[rank]);
    const double x = values[rank];
    const auto below = std::ranges::upper_bound(values, x) - values.begin();
    EXPECT_EQ(sketch.rank(x), static_cast<double>(below) / n);
  }
}

// The greatest distance of true and estimated rank over all x, as a fraction of n.
inline double worst_error(const QuantileSketch& sketch, std::vector<double> values) {
  std::ranges::sort(values);
  const SortedView& view = sketch.view();
  const auto n = static_cast<double>(values.size());
  double worst = 0.0;
  std::uint64_t estimate = 0;
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const auto [first, last] = std::ranges::equal_range(values, view.values[i]);
    const auto before = static_cast<double>(first - values.begin());
    const auto upto = static_cast<double>(last - values.begin());
    worst = std::max(worst, std::abs(static_cast<double>(estimate) - before) / n);
    estimate = view.cumulative[i];
    worst = std::max(worst, std::abs(static_cast<double>(estimate) - upto) / n);
  }
  return worst;
}

inline std::vector<double> uniform(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = std::uniform_real_distribution<>()(random);
  return values;
}

}  // namespace lightmeter::sketch
