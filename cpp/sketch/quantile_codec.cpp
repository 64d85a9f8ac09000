#include "sketch/quantile_codec.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "error.hpp"
#include "sketch/limits.hpp"
#include "sketch/quantile_state.hpp"
#include "sketch/quantiles.hpp"
#include "sketch/rank_error.hpp"
#include "sketch/ranked.hpp"
#include "sketch/rice.hpp"
#include "sketch/sorted_floats.hpp"
#include "wire/wire.hpp"

// Layout of an encoded QuantileSketch:
//
//   u8 form | [varint nan, +inf, -inf: flag kApart] | varint n | then by form
//
//   no flag    n different values: sorted (sorted_floats.hpp)
//   kCounted   varint number of values d | sorted values | d counts less 1 as Rice code
//   kKll       u64 coin key | varint coins drawn | f64 variance | f64 fixed error
//              f64 min | f64 max | varint levels L
//              varint paired levels | varint odd levels (bit h for level h)
//              then for h = 0 .. L - 1: varint number of values | sorted values of weight 2^h
//
// The form of an exact sketch is a function of its values alone.
namespace lightmeter::sketch {
namespace {

constexpr std::uint8_t kKll = 1;
constexpr std::uint8_t kCounted = 2;
constexpr std::uint8_t kApart = 4;

using wire::require;

// The lowest level at which n units make at most kShippedItems blocks.
int shipping_level(std::uint64_t n) {
  int level = 0;
  while ((n >> level) +
             static_cast<std::uint64_t>(std::popcount(n & ((std::uint64_t{1} << level) - 1))) >
         QuantileSketch::kShippedItems) {
    ++level;
  }
  return level;
}

struct Head {
  std::uint8_t form = 0;
  std::uint64_t nan = 0;
  std::uint64_t pos_inf = 0;
  std::uint64_t neg_inf = 0;
  std::uint64_t n = 0;
};

Head read_head(wire::Reader& in) {
  Head head;
  std::uint64_t apart = 0;
  head.form = in.u8();
  require(head.form <= (kKll | kCounted | kApart) && (head.form & (kKll | kCounted)) != 3,
          "quantile sketch: unknown form");
  if ((head.form & kApart) != 0) {
    head.nan = in.varint();
    head.pos_inf = in.varint();
    head.neg_inf = in.varint();
    for (const std::uint64_t count : {head.nan, head.pos_inf, head.neg_inf}) {
      require(count <= kMaxCount - apart, "quantile sketch: counts above 2^56");
      apart += count;
    }
    require((head.nan | head.pos_inf | head.neg_inf) != 0,
            "quantile sketch: needless counts of zero");
  }
  head.n = in.varint();
  require(head.n <= kMaxCount - apart, "quantile sketch: counts above 2^56");
  return head;
}

void encode_exact(const QuantileSketch& sketch, wire::Writer& out) {
  const SortedView& view = sketch.view();
  const std::size_t distinct = view.values.size();
  if (sketch.n() == distinct) return write_sorted(out, view.values, false);
  out.varint(distinct);
  write_sorted(out, view.values, false);
  std::vector<std::uint64_t> counts(distinct);
  for (std::size_t i = 0; i < distinct; ++i) counts[i] = view.weight(i) - 1;
  write_rice(out, counts);
}

void decode_exact(QuantileState& state, const Head& head, wire::Reader& in) {
  if ((head.form & kCounted) == 0) {
    require(head.n <= QuantileSketch::kExactItems, "quantile sketch: too many values");
    state.values = read_sorted(in, static_cast<std::size_t>(head.n), false);
    return;
  }
  const std::uint64_t distinct = in.count(1);
  require(distinct < head.n, "quantile sketch: more values than were counted");
  const bool few = distinct <= QuantileSketch::kCountedValues;
  require(few || head.n <= QuantileSketch::kExactItems, "quantile sketch: too many values");
  state.values = read_sorted(in, static_cast<std::size_t>(distinct), false);
  state.counts = read_rice(in, state.values.size());
  std::uint64_t left = head.n;
  for (std::uint64_t& count : state.counts) {
    require(count < left, "quantile sketch: the counts do not sum to n");
    ++count;
    left -= count;
  }
  require(left == 0, "quantile sketch: the counts do not sum to n");
}

// One sample from the middle of each block, which needs no coin.
void thin(const QuantileSketch& sketch, QuantileSample& sample) {
  const SortedView& view = sketch.view();
  const int top = shipping_level(sketch.n());
  sample.levels.assign(static_cast<std::size_t>(top) + 1, {});
  RankError error(sample.variance, sample.fixed);
  error.half_step(top);
  sample.fixed = error.fixed();
  RankCursor value_at(view.values, view.cumulative);
  sample_ranks(
      sketch.n(), top, [](int h) { return (std::uint64_t{1} << h) / 2; },
      [&](int h, std::uint64_t rank) {
        sample.levels[static_cast<std::size_t>(h)].values.push_back(value_at(rank));
      });
}

void encode_sample(const QuantileSketch& sketch, wire::Writer& out) {
  QuantileSample sample = *sketch.state().sample;
  std::size_t held = 0;
  for (const auto& level : sample.levels) held += level.values.size();
  if (held > QuantileSketch::kShippedItems) thin(sketch, sample);
  std::uint64_t paired = 0;
  std::uint64_t odd = 0;
  for (std::size_t h = 0; h < sample.levels.size(); ++h) {
    paired |= std::uint64_t{sample.levels[h].paired} << h;
    odd |= std::uint64_t{sample.levels[h].odd} << h;
  }
  out.u64(sample.coin_key);
  out.varint(sample.coins_drawn);
  out.f64(sample.variance);
  out.f64(sample.fixed);
  out.f64(sample.least);
  out.f64(sample.greatest);
  out.varint(sample.levels.size());
  out.varint(paired);
  out.varint(odd);
  for (auto& [values, is_paired, is_odd] : sample.levels) {
    std::ranges::sort(values);
    out.varint(values.size());
    write_sorted(out, values, true);
  }
}

void decode_sample(QuantileState& state, const Head& head, wire::Reader& in) {
  QuantileSample& sample = state.sample.emplace();
  sample.coin_key = in.u64();
  sample.coins_drawn = in.varint();
  sample.variance = in.f64();
  sample.fixed = in.f64();
  sample.least = in.f64();
  sample.greatest = in.f64();
  const std::uint64_t levels = in.varint();
  require(levels >= 1 && levels <= kMaxLevel + 1,
          "quantile sketch: a number of levels that no sketch has");
  const std::uint64_t paired = in.varint();
  const std::uint64_t odd = in.varint();
  require(paired >> levels == 0 && (odd & ~paired) == 0,
          "quantile sketch: coins of levels that are not there");
  sample.levels.resize(static_cast<std::size_t>(levels));
  std::uint64_t left = head.n;
  std::size_t held = 0;
  for (std::size_t h = 0; h < levels; ++h) {
    QuantileLevel& level = sample.levels[h];
    level.paired = (paired >> h & 1) != 0;
    level.odd = (odd >> h & 1) != 0;
    const std::uint64_t count = in.count(1);
    require(count <= QuantileSketch::kShippedItems - held, "quantile sketch: too many values");
    require(count <= left >> h, "quantile sketch: the weights do not sum to n");
    left -= count << h;
    level.values = read_sorted(in, static_cast<std::size_t>(count), true);
    require(level.values.empty() ||
                (sample.least <= level.values.front() && level.values.back() <= sample.greatest),
            "quantile sketch: a value outside of the extrema");
    held += level.values.size();
  }
  require(left == 0, "quantile sketch: the weights do not sum to n");
}

}  // namespace

std::uint64_t peek_n(std::span<const std::uint8_t> bytes) {
  wire::Reader in(bytes);
  return read_head(in).n;
}

void QuantileSketch::encode(wire::Writer& out) const {
  const bool apart = observed() != n();
  const bool kll = !is_exact();
  const bool counted = !kll && n() != view().values.size();
  out.u8(static_cast<std::uint8_t>((kll ? kKll : 0) | (counted ? kCounted : 0) |
                                   (apart ? kApart : 0)));
  if (apart) {
    out.varint(nan());
    out.varint(pos_inf());
    out.varint(neg_inf());
  }
  out.varint(n());
  if (kll) {
    encode_sample(*this, out);
  } else {
    encode_exact(*this, out);
  }
}

QuantileSketch QuantileSketch::decode(wire::Reader& in, std::uint64_t key) {
  const Head head = read_head(in);
  QuantileState state{.nan = head.nan, .pos_inf = head.pos_inf, .neg_inf = head.neg_inf};
  if ((head.form & kKll) != 0) {
    decode_sample(state, head, in);
  } else {
    decode_exact(state, head, in);
  }
  return of_checked_values(std::move(state), key);
}

bool operator==(const QuantileSketch& a, const QuantileSketch& b) { return wire::same_bytes(a, b); }

}  // namespace lightmeter::sketch
