#include "sketch/quantile_codec.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>

#include "lightmeter/error.hpp"
#include "sketch/limits.hpp"
#include "sketch/packing.hpp"

// Layout of an encoded QuantileSketch:
//
//   u8 form | [varint nan, +inf, -inf: flag kApart] | varint n | then by form
//
//   values   kCounted clear: n different values        sorted values (packing.hpp)
//            kCounted set: varint number of values d    sorted values | d counts less 1 as Rice
//            code
//   kKll     u64 coin key | varint coins drawn | f64 variance | f64 fixed error | f64 min | f64 max
//            varint levels L | varint paired levels, varint odd levels (bit h for level h)
//            then for h = 0 .. L - 1: varint number of values | sorted values of weight 2^h
//
// The form of a sketch in exact or counted mode is a function of its values alone.
namespace lightmeter::sketch {
namespace {

constexpr std::uint8_t kKll = 1;
constexpr std::uint8_t kCounted = 2;
constexpr std::uint8_t kApart = 4;

[[noreturn]] void fail(const char* what) {
  throw DecodeError(std::string("quantile sketch: ") + what + "; the data is damaged");
}

void check(bool good, const char* what) {
  if (!good) fail(what);
}

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

}  // namespace

struct QuantileCodec::Head {
  std::uint8_t form = 0;
  std::uint64_t nan = 0;
  std::uint64_t pos_inf = 0;
  std::uint64_t neg_inf = 0;
  std::uint64_t n = 0;
};

QuantileCodec::Head QuantileCodec::read_head(wire::Reader& in) {
  Head head;
  std::uint64_t apart = 0;
  head.form = in.u8();
  check(head.form <= (kKll | kCounted | kApart) && (head.form & (kKll | kCounted)) != 3,
        "unknown form");
  if ((head.form & kApart) != 0) {
    head.nan = in.varint();
    head.pos_inf = in.varint();
    head.neg_inf = in.varint();
    for (const std::uint64_t count : {head.nan, head.pos_inf, head.neg_inf}) {
      check(count <= kMaxCount - apart, "counts above 2^56");
      apart += count;
    }
    check((head.nan | head.pos_inf | head.neg_inf) != 0, "needless counts of zero");
  }
  head.n = in.varint();
  check(head.n <= kMaxCount - apart, "counts above 2^56");
  return head;
}

std::uint64_t QuantileCodec::peek_n(std::span<const std::uint8_t> bytes) {
  wire::Reader in(bytes);
  return read_head(in).n;
}

void QuantileCodec::encode(const QuantileSketch& sketch, wire::Writer& out) {
  const bool apart = (sketch.nan_ | sketch.pos_inf_ | sketch.neg_inf_) != 0;
  const bool kll = !sketch.is_exact();
  const bool counted = !kll && sketch.n() != sketch.view().values.size();
  out.u8(static_cast<std::uint8_t>((kll ? kKll : 0) | (counted ? kCounted : 0) |
                                   (apart ? kApart : 0)));
  if (apart) {
    out.varint(sketch.nan_);
    out.varint(sketch.pos_inf_);
    out.varint(sketch.neg_inf_);
  }
  out.varint(sketch.n());
  if (kll) {
    encode_kll(sketch, out);
  } else {
    encode_exact(sketch, out);
  }
}

QuantileSketch QuantileCodec::decode(wire::Reader& in, std::uint64_t key) {
  const Head head = read_head(in);
  QuantileSketch sketch(key);
  sketch.nan_ = head.nan;
  sketch.pos_inf_ = head.pos_inf;
  sketch.neg_inf_ = head.neg_inf;
  if ((head.form & kKll) != 0) {
    decode_kll(sketch, head, in);
  } else {
    decode_exact(sketch, head, in);
  }
  return sketch;
}

void QuantileCodec::encode_exact(const QuantileSketch& sketch, wire::Writer& out) {
  const SortedView& view = sketch.view();
  const std::size_t distinct = view.values.size();
  if (sketch.n() == distinct) return write_sorted(out, view.values, false);
  out.varint(distinct);
  write_sorted(out, view.values, false);
  std::vector<std::uint64_t> counts(distinct);
  for (std::size_t i = 0; i < distinct; ++i) counts[i] = view.weight(i) - 1;
  write_rice(out, counts);
}

void QuantileCodec::decode_exact(QuantileSketch& sketch, const Head& head, wire::Reader& in) {
  if ((head.form & kCounted) == 0) {
    check(head.n <= QuantileSketch::kExactItems, "too many values");
    sketch.staged_ = read_sorted(in, static_cast<std::size_t>(head.n), false);
    return;
  }
  const std::uint64_t distinct = in.count(1);
  check(distinct < head.n, "more values than were counted");
  const bool few = distinct <= QuantileSketch::kCountedValues;
  check(few || head.n <= QuantileSketch::kExactItems, "too many values");
  std::vector<double> values = read_sorted(in, static_cast<std::size_t>(distinct), false);
  std::vector<std::uint64_t> counts = read_rice(in, values.size());
  std::uint64_t left = head.n;
  for (std::uint64_t& count : counts) {
    check(count < left, "the counts do not sum to n");
    left -= ++count;
  }
  check(left == 0, "the counts do not sum to n");
  sketch.values_ = std::move(values);
  sketch.counts_ = std::move(counts);
  sketch.settled_ = head.n;
  // Few are left as they are: a list could be a hundred times larger than the bytes.
  if (!few) sketch.list_values();
}

// Ships the sketch as it is if it holds few values, else one sample of it from the middle of each
// block. Taking the middle needs no coin: no rank moves by more than half of the largest block.
void QuantileCodec::encode_kll(const QuantileSketch& sketch, wire::Writer& out) {
  const Compactors& compactors = *sketch.compactors_;
  std::vector<std::vector<double>> levels(1, sketch.staged_);
  std::size_t held = sketch.staged_.size();
  std::uint64_t paired = 0;
  std::uint64_t odd = 0;
  levels.resize(std::max<std::size_t>(1, compactors.levels().size()));
  for (std::size_t h = 0; h < compactors.levels().size(); ++h) {
    const Compactors::Level& level = compactors.levels()[h];
    levels[h].insert(levels[h].end(), level.values.begin(), level.values.end());
    held += level.values.size();
    paired |= std::uint64_t{level.paired} << h;
    odd |= std::uint64_t{level.paired && level.odd} << h;
  }
  double fixed = compactors.error().fixed;
  if (held > QuantileSketch::kShippedItems) {
    const SortedView& view = sketch.view();
    const int top = shipping_level(sketch.n());
    levels.assign(static_cast<std::size_t>(top) + 1, {});
    paired = odd = 0;
    fixed += std::ldexp(0.5, top);
    RankCursor value_at(view.values, view.cumulative);
    sample_ranks(
        sketch.n(), top, [](int h) { return (std::uint64_t{1} << h) / 2; },
        [&](int h, std::uint64_t rank) {
          levels[static_cast<std::size_t>(h)].push_back(value_at(rank));
        });
  }
  out.u64(compactors.coins_.key);
  out.varint(compactors.coins_.counter);
  out.f64(compactors.error().variance);
  out.f64(fixed);
  out.f64(sketch.min());
  out.f64(sketch.max());
  out.varint(levels.size());
  out.varint(paired);
  out.varint(odd);
  for (std::vector<double>& values : levels) {
    std::ranges::sort(values);
    out.varint(values.size());
    write_sorted(out, values, true);
  }
}

void QuantileCodec::decode_kll(QuantileSketch& sketch, const Head& head, wire::Reader& in) {
  const std::uint64_t coin_key = in.u64();
  auto compactors = std::make_unique<Compactors>(coin_key);
  compactors->coins_.counter = in.varint();
  RankError& error = compactors->error_;
  error.variance = in.f64();
  error.fixed = in.f64();
  // Infinity is a bound that tells nothing. It is let in since merging may make it of finite ones.
  check(error.variance >= 0.0 && error.fixed >= 0.0, "an error bound that is negative or NaN");
  const double least = in.f64();
  const double greatest = in.f64();
  check(std::isfinite(least) && std::isfinite(greatest) && least <= greatest,
        "extrema that are not in order");
  compactors->note_extrema(least, greatest);

  const std::uint64_t levels = in.varint();
  check(levels >= 1 && levels <= kMaxLevel + 1, "a number of levels that no sketch has");
  const std::uint64_t paired = in.varint();
  const std::uint64_t odd = in.varint();
  check(paired >> levels == 0 && (odd & ~paired) == 0, "coins of levels that are not there");
  compactors->levels_.resize(static_cast<std::size_t>(levels));
  std::uint64_t left = head.n;
  for (std::size_t h = 0; h < levels; ++h) {
    Compactors::Level& level = compactors->levels_[h];
    level.paired = (paired >> h & 1) != 0;
    level.odd = (odd >> h & 1) != 0;
    const std::uint64_t count = in.count(1);
    check(count <= QuantileSketch::kShippedItems - compactors->held_, "too many values");
    check(count <= left >> h, "the weights do not sum to n");
    left -= count << h;
    std::vector<double> values = read_sorted(in, static_cast<std::size_t>(count), true);
    check(values.empty() || (least <= values.front() && values.back() <= greatest),
          "a value outside of the extrema");
    compactors->held_ += values.size();
    level.values = std::move(values);
    level.sorted = true;
  }
  check(left == 0, "the weights do not sum to n");
  check(head.n > 0, "a sample of nothing");
  // Values of weight 1 are staged, as if they had come last.
  compactors->held_ -= compactors->levels_[0].values.size();
  sketch.staged_ = std::move(compactors->levels_[0].values);
  sketch.settled_ = head.n - sketch.staged_.size();
  compactors->levels_[0].values = {};
  sketch.compactors_ = std::move(compactors);
}

QuantileSketch QuantileCodec::from_levels(std::vector<std::vector<double>> levels, double least,
                                          double greatest, RankError error, std::uint64_t key) {
  QuantileSketch sketch(key);
  std::uint64_t hash = key;
  for (std::size_t h = 0; h < levels.size(); ++h) {
    for (const double value : levels[h]) hash = mix(hash, std::bit_cast<std::uint64_t>(value));
    sketch.settled_ += std::uint64_t{levels[h].size()} << h;
  }
  sketch.compactors_ = std::make_unique<Compactors>(hash);
  sketch.compactors_->note_extrema(least, greatest);
  sketch.compactors_->error_ = error;
  for (std::size_t h = 0; h < levels.size(); ++h) {
    sketch.compactors_->insert_values(levels[h], static_cast<int>(h), 0);
  }
  return sketch;
}

}  // namespace lightmeter::sketch
