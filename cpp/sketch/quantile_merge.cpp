#include <algorithm>
#include <utility>

#include "sketch/compactors.hpp"
#include "sketch/limits.hpp"
#include "sketch/quantile_codec.hpp"
#include "sketch/quantile_feeder.hpp"
#include "sketch/quantiles.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

void QuantileSketch::merge(const QuantileSketch& other, Feeder<double>& feeder,
                           std::uint64_t horizon) {
  nan_ += other.nan_;
  pos_inf_ += other.pos_inf_;
  neg_inf_ += other.neg_inf_;
  observed_ += other.observed_ - other.n();
  if (other.n() == 0) return;
  view_.clear();
  if (const auto* exact = std::get_if<Exact>(&other.mode_)) return feeder.push(exact->values);
  if (const auto* counted = std::get_if<Counted>(&other.mode_)) {
    if (is_exact() || other.n() > kExactItems) {
      return add_counts(counted->values, counted->counts, horizon);
    }
    return feeder.push(listed(*counted));
  }
  const Sampled& theirs = std::get<Sampled>(other.mode_);
  if (n() == 0) {
    mode_ = theirs;
    observed_ += other.n();
    return;
  }
  if (is_exact()) leave_exact(horizon);
  sampled().compactors().merge(theirs.compactors(), horizon);
  observed_ += other.n() - theirs.staged.size();
  feeder.push(theirs.staged);
}

// Small sketches are scattered over memory; their values are asked for a little ahead.
void QuantileSketch::prefetch() const noexcept {
  const std::vector<double>* const values = unsorted();
  if (values == nullptr) return;
  const auto* begin = reinterpret_cast<const char*>(values->data());
  const std::size_t size = std::min<std::size_t>(values->size() * sizeof(double), 1024);
  for (std::size_t line = 0; line < size; line += 64) __builtin_prefetch(begin + line);
}

void QuantileSketch::merge(const QuantileSketch& other) {
  const QuantileSketch* others[] = {&other};
  merge_many(others);
}

void QuantileSketch::merge_many(std::span<const QuantileSketch* const> others) {
  constexpr std::size_t kAhead = 8;
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
    check_sum(total, other->observed());
    total += other->observed();
  }
  Feeder<double> feeder(*this, horizon);
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (i + 2 * kAhead < others.size()) __builtin_prefetch(others[i + 2 * kAhead]);
    if (i + kAhead < others.size()) others[i + kAhead]->prefetch();
    merge(*others[i], feeder, horizon);
  }
  feeder.finish();
}

void QuantileSketch::merge_many(std::span<const std::span<const std::uint8_t>> encoded) {
  std::uint64_t horizon = n();
  for (const auto bytes : encoded) {
    const std::uint64_t n = peek_n(bytes);
    check_sum(horizon, n);
    horizon += n;
  }
  std::uint64_t total = observed();
  QuantileSketch result(*this);
  Feeder<double> feeder(result, horizon);
  for (const auto bytes : encoded) {
    wire::Reader in(bytes);
    const QuantileSketch part = decode(in);
    in.expect_end();
    check_sum(total, part.observed());
    total += part.observed();
    result.merge(part, feeder, horizon);
  }
  feeder.finish();
  *this = std::move(result);
}

}  // namespace lightmeter::sketch
