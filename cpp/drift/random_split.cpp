#include "drift/random_split.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr std::uint64_t kOneByOne = 16;

}  // namespace

Random::Random(std::span<const std::uint64_t> target,
               std::span<const std::uint64_t> reference) noexcept {
  for (const std::uint64_t count : target) coins_.key = sketch::mix(coins_.key, count);
  for (const std::uint64_t count : reference) coins_.key = sketch::mix(coins_.key, count);
}

// Marked and drawn may change places, and each may be replaced by its complement, so the fastest
// case is where one of the four is small.
std::uint64_t Random::hypergeometric(std::uint64_t population, std::uint64_t marked,
                                     std::uint64_t sample) {
  if (2 * marked > population)
    return sample - hypergeometric(population, population - marked, sample);
  if (2 * sample > population)
    return marked - hypergeometric(population, marked, population - sample);
  if (marked < sample) std::swap(marked, sample);
  if (sample <= kOneByOne) return draw_one_by_one(population, marked, sample);
  return ratio_of_uniforms(population, marked, sample);
}

std::uint64_t Random::draw_one_by_one(std::uint64_t population, std::uint64_t marked,
                                      std::uint64_t sample) {
  std::uint64_t hits = 0;
  for (std::uint64_t drawn = 0; drawn < sample; ++drawn) {
    const double left = static_cast<double>(population - drawn);
    if (uniform() * left < static_cast<double>(marked - hits)) ++hits;
  }
  return hits;
}

// Ratio of uniforms under a table mountain hat (Stadlober, J. Comput. Appl. Math. 31, 1990, p.
// 181): a point uniform in the region 0 < u <= sqrt(f(v / u)) has v / u distributed as f. The
// constants make the rectangle [0, 1] x [-s, s] contain the region for every unimodal f of that
// variance.
std::uint64_t Random::ratio_of_uniforms(std::uint64_t population, std::uint64_t marked,
                                        std::uint64_t sample) {
  const double all = static_cast<double>(population);
  const double share = static_cast<double>(marked) / all;
  const double drawn = static_cast<double>(sample);
  const double centre = drawn * share + 0.5;
  const double variance = (all - drawn) / (all - 1.0) * drawn * share * (1.0 - share);
  static const double kScale = 2.0 * std::sqrt(2.0 / std::exp(1.0));
  static const double kOffset = 3.0 - 2.0 * std::sqrt(3.0 / std::exp(1.0));
  const double width = kScale * std::sqrt(variance + 0.5) + kOffset;
  const auto log_weight = [&](std::uint64_t hits) {
    return -(log_factorial(hits) + log_factorial(marked - hits) + log_factorial(sample - hits) +
             log_factorial(population - marked - sample + hits));
  };
  const auto mode =
      static_cast<std::uint64_t>((drawn + 1.0) * (static_cast<double>(marked) + 1.0) / (all + 2.0));
  const double log_peak = log_weight(mode);
  for (;;) {
    const double u = 1.0 - uniform();
    const double place = centre + width * (uniform() - 0.5) / u;
    if (place < 0.0 || place >= drawn + 1.0) continue;
    const auto hits = static_cast<std::uint64_t>(place);
    if (2.0 * std::log(u) <= log_weight(hits) - log_peak) return hits;
  }
}

void random_split(std::span<const std::uint64_t> pooled, std::uint64_t sample, Random& random,
                  std::vector<std::uint64_t>& part) {
  part.resize(pooled.size());
  std::uint64_t left = 0;
  for (const std::uint64_t count : pooled) left += count;
  for (std::size_t i = 0; i < pooled.size(); ++i) {
    if (pooled[i] == 1) {
      part[i] = random.uniform() * static_cast<double>(left) < static_cast<double>(sample) ? 1 : 0;
    } else {
      part[i] = random.hypergeometric(left, pooled[i], sample);
    }
    left -= pooled[i];
    sample -= part[i];
  }
}

}  // namespace lightmeter::drift
