#include "drift/rates.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

// Beyond as many observations log_factorial() has too few digits. Of fewer at the same rate the
// p-value is greater.
constexpr std::uint64_t kMostExact = std::uint64_t{1} << 39;

void check_hits(const char* side, std::uint64_t& hits, std::uint64_t& n) {
  if (hits > n) {
    throw std::invalid_argument(std::to_string(hits) + " hits of " + std::to_string(n) +
                                " in the " + side +
                                "; expected at most as many hits as observations");
  }
  for (; n > kMostExact; n /= 2) hits /= 2;
}

double log_choose(std::uint64_t all, std::uint64_t some) {
  return log_factorial(all) - log_factorial(some) - log_factorial(all - some);
}

// A hypergeometric variable X: hits of the n drawn, when `hits` of n + m are marked.
struct Hypergeometric {
  std::uint64_t n;
  std::uint64_t m;
  std::uint64_t hits;

  [[nodiscard]] std::uint64_t low() const { return hits > m ? hits - m : 0; }
  [[nodiscard]] std::uint64_t high() const { return std::min(hits, n); }
  [[nodiscard]] std::uint64_t mode() const {
    const double mode = (static_cast<double>(n) + 1.0) * (static_cast<double>(hits) + 1.0) /
                        (static_cast<double>(n + m) + 2.0);
    return std::clamp(static_cast<std::uint64_t>(mode), low(), high());
  }
  // ln P(X = x)
  [[nodiscard]] double log(std::uint64_t x) const {
    return log_choose(n, x) + log_choose(m, hits - x) - log_choose(n + m, hits);
  }
  // P(X >= x)
  [[nodiscard]] double from(std::uint64_t x) const {
    double term = std::exp(log(x));
    double sum = term;
    for (; x < high() && term > sum * 1e-18; ++x) {
      term *= static_cast<double>(n - x) * static_cast<double>(hits - x) /
              (static_cast<double>(x + 1) * static_cast<double>(m + x + 1 - hits));
      sum += term;
    }
    return sum;
  }
  // Of the hits among those not drawn.
  [[nodiscard]] Hypergeometric of_others() const { return {m, n, hits}; }
  // P(X <= x)
  [[nodiscard]] double up_to(std::uint64_t x) const { return of_others().from(hits - x); }
};

Hypergeometric law_of(std::uint64_t& target_hits, std::uint64_t& n_target,
                      std::uint64_t& reference_hits, std::uint64_t& n_reference) {
  check_hits("target", target_hits, n_target);
  check_hits("reference", reference_hits, n_reference);
  return {n_target, n_reference, target_hits + reference_hits};
}

}  // namespace

double fisher_exact(std::uint64_t target_hits, std::uint64_t n_target, std::uint64_t reference_hits,
                    std::uint64_t n_reference) {
  Hypergeometric law = law_of(target_hits, n_target, reference_hits, n_reference);
  std::uint64_t seen = target_hits;
  if (seen < law.mode()) {
    law = law.of_others();
    seen = reference_hits;
  }
  // Likelihoods that are equal but for rounding count as equal.
  const double limit = law.log(seen) + 1e-7;
  std::uint64_t inner = law.mode();
  if (law.log(inner) <= limit) return 1.0;
  // On the other side of the mode likelihood falls outwards: search where it is low enough.
  const double near = law.from(seen);
  std::uint64_t outer = law.low();
  if (law.log(outer) > limit) return std::min(1.0, near);
  while (outer + 1 < inner) {
    const std::uint64_t middle = (inner + outer) / 2;
    (law.log(middle) > limit ? inner : outer) = middle;
  }
  return std::min(1.0, near + law.up_to(outer));
}

double fisher_more(std::uint64_t target_hits, std::uint64_t n_target, std::uint64_t reference_hits,
                   std::uint64_t n_reference) {
  const Hypergeometric law = law_of(target_hits, n_target, reference_hits, n_reference);
  if (target_hits == law.low()) return 1.0;
  // Of the two tails the one that is not near 1 is summed.
  return target_hits > law.mode() ? std::min(1.0, law.from(target_hits))
                                  : std::max(0.0, 1.0 - law.up_to(target_hits - 1));
}

}  // namespace lightmeter::drift
