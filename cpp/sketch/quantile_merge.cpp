#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "sketch/quantile_feeder.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::sketch {
namespace {

void prefetch(const void* begin, std::size_t size) {
  for (std::size_t line = 0; line < std::min<std::size_t>(size, 1024); line += 64) {
    __builtin_prefetch(static_cast<const std::byte*>(begin) + line);
  }
}

}  // namespace

void QuantileSketch::merge(const QuantileSketch& other, Feeder<double>& feeder,
                           std::uint64_t horizon) {
  apart_.nan += other.apart_.nan;
  apart_.pos_inf += other.apart_.pos_inf;
  apart_.neg_inf += other.apart_.neg_inf;
  observed_ += other.apart_.sum();
  if (other.n() == 0) return;
  view_.clear();
  if (const auto* exact = std::get_if<Exact>(&other.mode_)) return feeder.push(exact->values());
  if (const auto* counted = std::get_if<Counted>(&other.mode_)) {
    if (is_exact() || other.n() > kExactItems) return add_counts(counted->counts(), horizon);
    return feeder.push(counted->listed().values());
  }
  const Sampled& theirs = *other.sampled();
  if (n() == 0) {
    mode_ = other.mode_;
    observed_ += other.n();
    return;
  }
  become_sampled(horizon).merge_levels(theirs, horizon);
  observed_ += other.n() - theirs.newest().values().size();
  feeder.push(theirs.newest().values());
}

// Small sketches are scattered over memory; what is read of them is asked for a little ahead.
void QuantileSketch::prefetch_values() const noexcept {
  const auto* exact = std::get_if<Exact>(&mode_);
  if (exact == nullptr) return;
  prefetch(exact->values().data(), exact->values().size() * sizeof(double));
}

void QuantileSketch::merge(const QuantileSketch& other) {
  const QuantileSketch* others[] = {&other};
  merge_many(others);
}

void QuantileSketch::merge_many(std::span<const QuantileSketch* const> others) {
  if (std::ranges::find(others, this) != others.end()) {
    const QuantileSketch self(*this);
    std::vector<const QuantileSketch*> copies(others.begin(), others.end());
    std::ranges::replace(copies, static_cast<const QuantileSketch*>(this), &self);
    return merge_many(copies);
  }
  std::uint64_t horizon = n();
  std::uint64_t total = observed();
  for (const QuantileSketch* other : others) {
    horizon += other->n();
    total = check_sum(total, other->observed());
  }
  constexpr std::size_t kAhead = 8;
  Feeder<double> feeder(*this, horizon);
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (i + 2 * kAhead < others.size()) prefetch(others[i + 2 * kAhead], sizeof(QuantileSketch));
    if (i + kAhead < others.size()) others[i + kAhead]->prefetch_values();
    merge(*others[i], feeder, horizon);
  }
  feeder.finish();
}

}  // namespace lightmeter::sketch
