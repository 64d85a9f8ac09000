#include "sketch/quantile_state.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "error.hpp"
#include "sketch/compactors.hpp"
#include "sketch/limits.hpp"
#include "sketch/quantiles.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

QuantileState QuantileSketch::state() const {
  QuantileState state{.nan = nan_, .pos_inf = pos_inf_, .neg_inf = neg_inf_};
  const auto* sampled = std::get_if<Sampled>(&mode_);
  if (sampled == nullptr) {
    state.values = view().values;
    if (n() == state.values.size()) return state;
    for (std::size_t i = 0; i < state.values.size(); ++i) state.counts.push_back(view().weight(i));
    return state;
  }
  const Compactors& compactors = sampled->compactors();
  QuantileSample& sample = state.sample.emplace();
  sample.coin_key = compactors.coins().key;
  sample.coins_drawn = compactors.coins().counter;
  sample.variance = compactors.error().variance();
  sample.fixed = compactors.error().fixed();
  sample.least = min();
  sample.greatest = max();
  for (const Compactors::Level& level : compactors.levels()) {
    sample.levels.push_back({level.values, level.paired, level.paired && level.odd});
  }
  if (sample.levels.empty()) sample.levels.emplace_back();
  auto& singles = sample.levels[0].values;
  singles.insert(singles.begin(), sampled->staged.begin(), sampled->staged.end());
  return state;
}

namespace {

using wire::require;

bool is_kept_value(double value) {
  return std::isfinite(value) && !(value == 0.0 && std::signbit(value));
}

void check_values(const QuantileState& state) {
  if (!state.sample) {
    require(std::ranges::all_of(state.values, is_kept_value),
            "quantile sketch: a value that is not finite, or -0.0");
    require(std::ranges::adjacent_find(state.values, std::greater_equal{}) == state.values.end(),
            "quantile sketch: values that do not rise");
    require(std::ranges::find(state.counts, 0U) == state.counts.end(),
            "quantile sketch: a count of 0");
    return;
  }
  const QuantileSample& sample = *state.sample;
  for (const QuantileLevel& level : sample.levels) {
    for (const double value : level.values) {
      require(is_kept_value(value), "quantile sketch: a value that is not finite, or -0.0");
      require(sample.least <= value && value <= sample.greatest,
              "quantile sketch: a value outside of the extrema");
    }
  }
}

std::uint64_t checked_n(const QuantileState& state) {
  if (!state.sample) {
    require(state.counts.empty() || state.counts.size() == state.values.size(),
            "quantile sketch: there must be one count for each value, or none at all");
    std::uint64_t n = state.counts.empty() ? state.values.size() : 0;
    for (const std::uint64_t count : state.counts) {
      require(count <= kMaxCount - n, "quantile sketch: counts above 2^56");
      n += count;
    }
    require(
        n <= QuantileSketch::kExactItems || state.values.size() <= QuantileSketch::kCountedValues,
        "quantile sketch: more values than an exact sketch holds");
    return n;
  }
  const QuantileSample& sample = *state.sample;
  require(state.values.empty() && state.counts.empty(),
          "quantile sketch: both a list of values and a sample");
  // Infinity is a bound that tells nothing. It is let in since merging may make it of finite ones.
  require(sample.variance >= 0.0 && sample.fixed >= 0.0,
          "quantile sketch: an error bound that is negative or NaN");
  require(std::isfinite(sample.least) && std::isfinite(sample.greatest) &&
              sample.least <= sample.greatest,
          "quantile sketch: extrema that are not in order");
  require(!sample.levels.empty() && sample.levels.size() <= kMaxLevel + 1,
          "quantile sketch: a number of levels that no sketch has");
  std::uint64_t n = 0;
  for (std::size_t h = 0; h < sample.levels.size(); ++h) {
    const QuantileLevel& level = sample.levels[h];
    require(level.paired || !level.odd, "quantile sketch: coins of levels that are not there");
    require(level.values.size() <= (kMaxCount - n) >> h, "quantile sketch: weights above 2^56");
    n += std::uint64_t{level.values.size()} << h;
  }
  require(n > 0, "quantile sketch: a sample of nothing");
  return n;
}

}  // namespace

QuantileSketch QuantileSketch::from_state(QuantileState state, std::uint64_t key) {
  check_values(state);
  return of_checked_values(std::move(state), key);
}

QuantileSketch QuantileSketch::of_checked_values(QuantileState state, std::uint64_t key) {
  QuantileSketch sketch(key);
  const std::uint64_t n = checked_n(state);
  sketch.observed_ = n;
  for (const std::uint64_t count : {state.nan, state.pos_inf, state.neg_inf}) {
    require(count <= kMaxCount - sketch.observed_, "quantile sketch: counts above 2^56");
    sketch.observed_ += count;
  }
  sketch.nan_ = state.nan;
  sketch.pos_inf_ = state.pos_inf;
  sketch.neg_inf_ = state.neg_inf;
  if (state.sample) {
    // Values of weight 1 are staged, as if they had come last, if there is room for all of them.
    std::vector<double> staged;
    auto& singles = state.sample->levels[0].values;
    if (singles.size() <= kExactItems) {
      staged = singles;  // a copy, since its capacity is limited
      singles.clear();
    }
    sketch.mode_.emplace<Sampled>(std::move(staged), Compactors(std::move(*state.sample)));
  } else if (state.counts.empty()) {
    sketch.mode_ = Exact{state.values};  // likewise
  } else {
    // Few are left as they are: a list could be a hundred times larger.
    Counted counted{std::move(state.values), std::move(state.counts)};
    if (counted.values.size() <= kCountedValues) {
      sketch.mode_ = std::move(counted);
    } else {
      sketch.mode_ = Exact{listed(counted)};
    }
  }
  return sketch;
}

}  // namespace lightmeter::sketch
