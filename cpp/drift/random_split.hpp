#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drift/contingency.hpp"
#include "sketch/mix.hpp"

namespace lightmeter::drift {

// Random numbers by counting, the same on every machine; `key` names the stream.
class Random {
 public:
  explicit Random(std::uint64_t key) noexcept : coins_{.key = key, .counter = 0} {}
  // A stream for each pair of samples. One for all would err on the same side in every comparison.
  Random(std::span<const std::uint64_t> target, std::span<const std::uint64_t> reference) noexcept;

  // Uniform in [0, 1), a multiple of 2^-53.
  [[nodiscard]] double uniform() noexcept {
    return static_cast<double>(coins_.draw() >> 11) * 0x1p-53;
  }
  [[nodiscard]] std::uint32_t bits() noexcept {
    return static_cast<std::uint32_t>(coins_.draw() >> 32);
  }
  // How many of `sample` balls drawn without replacement from `population`, `marked` of which are
  // marked, are marked. marked, sample <= population.
  [[nodiscard]] std::uint64_t hypergeometric(std::uint64_t population, std::uint64_t marked,
                                             std::uint64_t sample);

 private:
  [[nodiscard]] std::uint64_t draw_one_by_one(std::uint64_t population, std::uint64_t marked,
                                              std::uint64_t sample);
  [[nodiscard]] std::uint64_t ratio_of_uniforms(std::uint64_t population, std::uint64_t marked,
                                                std::uint64_t sample);

  sketch::Coins coins_;
};

// Deals `sample` of the pooled items, pooled[i] of kind i, at random: part[i] of kind i. This is
// what a permutation of the labels of two samples does to their counts.
void random_split(std::span<const std::uint64_t> pooled, std::uint64_t sample, Random& random,
                  std::vector<std::uint64_t>& part);

// Times a statistic, to absorb its rounding, which is far less than the distance of two values that
// it can have.
inline constexpr double kSlack = 1.0 - 1e-12;

// A Monte Carlo p-value: `exceeds()` draws once under the null hypothesis and says whether the
// statistic is at least the observed one. Stops early once that happened often enough for the
// p-value to be no matter of doubt (Besag and Clifford, Biometrika 78, 1991: h / l is valid).
// The least it can be is 1 / (draws + 1).
inline constexpr int kEnough = 100;

template <class Exceeds>
[[nodiscard]] double monte_carlo_p(int draws, Exceeds&& exceeds) {
  int hits = 0;
  for (int draw = 1; draw <= draws; ++draw) {
    if (exceeds() && ++hits == kEnough) return static_cast<double>(hits) / draw;
  }
  return (hits + 1.0) / (draws + 1.0);
}

// The same for a statistic of two samples, dealing the labels of their pooled values anew.
template <class Exceeds>
[[nodiscard]] double permuted_p_value(const Contingency& merged, int draws, Exceeds&& exceeds) {
  std::vector<std::uint64_t> pooled(merged.size());
  for (std::size_t i = 0; i < pooled.size(); ++i) pooled[i] = merged.pooled(i);
  Contingency dealt = merged;
  Random random(merged.target, merged.reference);
  return monte_carlo_p(draws, [&] {
    random_split(pooled, merged.n_target, random, dealt.target);
    for (std::size_t i = 0; i < pooled.size(); ++i) {
      dealt.reference[i] = pooled[i] - dealt.target[i];
    }
    return exceeds(dealt);
  });
}

}  // namespace lightmeter::drift
