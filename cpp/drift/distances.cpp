#include "drift/distances.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lightmeter::drift {

namespace {

double bits_to(double p, double middle) { return p > 0.0 ? p * std::log2(p / middle) : 0.0; }

}  // namespace

double wasserstein(const MergedView& merged) {
  double difference = 0.0;
  double sum = 0.0;
  for (std::size_t i = 0; i + 1 < merged.size(); ++i) {
    difference += merged.step(i);
    sum += std::abs(difference) * (merged.values[i + 1] - merged.values[i]);
  }
  return sum / merged.area();
}

Contingency quantile_bins(const Contingency& merged) {
  const std::uint64_t least = std::min(merged.n_target, merged.n_reference);
  const std::size_t most = std::clamp<std::size_t>(static_cast<std::size_t>(least / 10), 2, 20);
  const double width = 2.0 * merged.area() / static_cast<double>(most);  // of a bin's mass
  Contingency binned;
  std::uint64_t target = 0;
  std::uint64_t reference = 0;
  const auto close = [&] { binned.push(std::exchange(target, 0), std::exchange(reference, 0)); };
  double mass = 0.0;
  double next = width;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const double own = merged.mass(i);
    const bool alone = own >= width || merged.size() <= most;
    if (alone) close();
    target += merged.target[i];
    reference += merged.reference[i];
    mass += own;
    if (alone || mass >= next) close();
    if (mass >= next) next = (std::floor(mass / width) + 1.0) * width;
  }
  close();
  return binned;
}

BinnedDistances binned_distances(const Contingency& binned) {
  const double n = static_cast<double>(binned.n_target);
  const double m = static_cast<double>(binned.n_reference);
  const double bins = static_cast<double>(binned.size());
  double roots = 0.0;
  double divergence = 0.0;
  double psi = 0.0;
  for (std::size_t i = 0; i < binned.size(); ++i) {
    const double t = static_cast<double>(binned.target[i]);
    const double r = static_cast<double>(binned.reference[i]);
    const double p = t / n;
    const double q = r / m;
    const double root = std::sqrt(p) - std::sqrt(q);
    roots += root * root;
    divergence += (bits_to(p, (p + q) / 2.0) + bits_to(q, (p + q) / 2.0)) / 2.0;
    const double more_t = (t + 0.5) / (n + bins / 2.0);
    const double more_r = (r + 0.5) / (m + bins / 2.0);
    psi += (more_t - more_r) * std::log(more_t / more_r);
  }
  // 1 - sum sqrt(p q), as the halves of what does not cancel.
  const double square = std::min(1.0, roots / 2.0);
  const double bias = (bins - 1.0) / 8.0 * (1.0 / n + 1.0 / m);
  return {std::sqrt(square), std::sqrt(std::max(0.0, square - bias)),
          std::sqrt(std::clamp(divergence, 0.0, 1.0)), psi};
}

}  // namespace lightmeter::drift
