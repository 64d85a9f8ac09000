#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "sketch/limits.hpp"
#include "sketch/quantiles.hpp"
#include "sketch/rice.hpp"
#include "sketch/sorted_floats.hpp"
#include "wire/wire.hpp"

// The layout: docs/format.md, "Quantiles".
//
// The form of an exact sketch is a function of its values alone.
namespace lightmeter::sketch {
namespace {

constexpr std::uint8_t kKll = 1;
constexpr std::uint8_t kCounted = 2;
constexpr std::uint8_t kApart = 4;

using wire::require;

// The lowest level at which n units make at most kShipped blocks.
int shipping_level(std::uint64_t n) {
  int level = 0;
  while ((n >> level) +
             static_cast<std::uint64_t>(std::popcount(n & ((std::uint64_t{1} << level) - 1))) >
         Sampled::kShipped) {
    ++level;
  }
  return level;
}

Counted decode_counted(wire::Reader& in, std::uint64_t n) {
  const std::uint64_t distinct = in.count(1);
  require(distinct < n, "quantile sketch: more values than were counted");
  require(distinct <= Counted::kMost || n <= Exact::kMost, "quantile sketch: too many values");
  const auto values = read_sorted(in, static_cast<std::size_t>(distinct), false);
  const auto counts = read_rice(in, values.size());
  std::vector<Count> rising;
  rising.reserve(values.size());
  std::uint64_t left = n;
  for (std::size_t i = 0; i < values.size(); ++i) {
    require(counts[i] < left, "quantile sketch: the counts do not sum to n");
    rising.push_back({values[i], counts[i] + 1});
    left -= rising[i].times;
  }
  require(left == 0, "quantile sketch: the counts do not sum to n");
  return Counted(std::move(rising));
}

}  // namespace

// One sample from the middle of each block, which needs no coin.
Sampled Sampled::thinned(const SortedView& view) const {
  const int top = shipping_level(view.cumulative.back());
  std::vector<Level> levels(static_cast<std::size_t>(top) + 1);
  std::size_t i = 0;
  sample_ranks(
      view.cumulative.back(), top, [](int h) { return (std::uint64_t{1} << h) / 2; },
      [&](int h, std::uint64_t rank) {
        while (view.cumulative[i] <= rank) ++i;
        levels[static_cast<std::size_t>(h)].values.push_back(view.values[i]);
      });
  RankError error = error_;
  error.half_step(top);
  return {coins_, error, min(), max(), std::move(levels)};
}

void Sampled::encode(wire::Writer& out) const {
  std::vector<Level> levels = levels_;
  if (levels.empty()) levels.emplace_back();
  levels[0].values.insert(levels[0].values.end(), newest_.values().begin(), newest_.values().end());
  std::uint64_t paired = 0;
  std::uint64_t odd = 0;
  for (std::size_t h = 0; h < levels.size(); ++h) {
    paired |= std::uint64_t{levels[h].paired} << h;
    odd |= std::uint64_t{levels[h].paired && levels[h].odd} << h;
  }
  out.u64(coins_.key);
  out.varint(coins_.counter);
  out.f64(error_.variance());
  out.f64(error_.fixed());
  out.f64(min());
  out.f64(max());
  out.varint(levels.size());
  out.varint(paired);
  out.varint(odd);
  for (Level& level : levels) {
    std::ranges::sort(level.values);
    out.varint(level.values.size());
    write_sorted(out, level.values, true);
  }
}

Sampled Sampled::decode(wire::Reader& in, std::uint64_t n) {
  Coins coins{in.u64()};
  coins.counter = in.varint();
  const double variance = in.f64();
  const RankError error(variance, in.f64());
  const double least = in.f64();
  const double greatest = in.f64();
  const std::uint64_t count = in.varint();
  require(count >= 1 && count <= kMaxLevel + 1,
          "quantile sketch: a number of levels that no sketch has");
  const std::uint64_t paired = in.varint();
  const std::uint64_t odd = in.varint();
  require(paired >> count == 0 && (odd & ~paired) == 0,
          "quantile sketch: coins of levels that are not there");
  std::vector<Level> levels(static_cast<std::size_t>(count));
  std::uint64_t left = n;
  std::size_t held = 0;
  for (std::size_t h = 0; h < count; ++h) {
    Level& level = levels[h];
    level.paired = (paired >> h & 1) != 0;
    level.odd = (odd >> h & 1) != 0;
    const std::uint64_t size = in.count(1);
    require(size <= kShipped - held, "quantile sketch: too many values");
    require(size <= left >> h, "quantile sketch: the weights do not sum to n");
    left -= size << h;
    level.values = read_sorted(in, static_cast<std::size_t>(size), true);
    held += level.values.size();
  }
  require(left == 0, "quantile sketch: the weights do not sum to n");
  return {coins, error, least, greatest, std::move(levels)};
}

std::optional<QuantileSketch> QuantileSketch::thinned() const {
  if (is_exact() || sampled()->size() <= Sampled::kShipped) return std::nullopt;
  QuantileSketch sketch(key_);
  sketch.observed_ = observed_;
  sketch.apart_ = apart_;
  sketch.mode_.emplace<Box<Sampled>>().make(sampled()->thinned(view()));
  return sketch;
}

void QuantileSketch::encode(wire::Writer& out) const {
  if (const auto thin = thinned()) return thin->encode(out);
  const bool counted = is_exact() && n() != view().values.size();
  const bool apart = observed() != n();
  out.u8(static_cast<std::uint8_t>((is_exact() ? 0 : kKll) | (counted ? kCounted : 0) |
                                   (apart ? kApart : 0)));
  if (apart) {
    out.varint(nan());
    out.varint(pos_inf());
    out.varint(neg_inf());
  }
  out.varint(n());
  if (!is_exact()) return sampled()->encode(out);
  const std::size_t distinct = view().values.size();
  if (counted) out.varint(distinct);
  write_sorted(out, view().values, false);
  if (!counted) return;
  std::vector<std::uint64_t> counts(distinct);
  for (std::size_t i = 0; i < distinct; ++i) counts[i] = view().weight(i) - 1;
  write_rice(out, counts);
}

QuantileSketch QuantileSketch::decode(wire::Reader& in, std::uint64_t key) {
  QuantileSketch sketch(key);
  const std::uint8_t form = in.u8();
  require(form <= (kKll | kCounted | kApart) && (form & (kKll | kCounted)) != 3,
          "quantile sketch: unknown form");
  const auto read_count = [&] {
    const std::uint64_t count = in.varint();
    require(count <= kMaxCount - sketch.observed_, "quantile sketch: counts above 2^56");
    sketch.observed_ += count;
    return count;
  };
  if ((form & kApart) != 0) {
    sketch.apart_ = {read_count(), read_count(), read_count()};
    require(sketch.observed_ != 0, "quantile sketch: needless counts of zero");
  }
  const std::uint64_t n = read_count();
  if ((form & kKll) != 0) {
    sketch.mode_.emplace<Box<Sampled>>().make(Sampled::decode(in, n));
  } else if ((form & kCounted) == 0) {
    require(n <= Exact::kMost, "quantile sketch: too many values");
    sketch.mode_ = Exact(read_sorted(in, static_cast<std::size_t>(n), false));
  } else {
    // Few are left as they are: a list could be a hundred times larger.
    const auto& counted = sketch.mode_.emplace<Counted>(decode_counted(in, n));
    if (counted.counts().size() > Counted::kMost) sketch.become_exact();
  }
  return sketch;
}

bool operator==(const QuantileSketch& a, const QuantileSketch& b) { return wire::same_bytes(a, b); }

}  // namespace lightmeter::sketch
