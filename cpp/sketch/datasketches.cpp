#include "sketch/datasketches.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "error.hpp"
#include "sketch/limits.hpp"
#include "sketch/mix.hpp"
#include "sketch/quantile_state.hpp"
#include "sketch/rank_error.hpp"
#include "wire/wire.hpp"

// The bytes of a KLL sketch of DataSketches, little-endian; T is float or double:
//
//   0 u8 preamble ints: 2 empty or one value, 5 full, 6 full as whylogs writes it
//   1 u8 version: 1, 2 for one value | 2 u8 family: 15 | 3 u8 flags: 1 empty, 2 sorted, 4 one value
//   4 u16 k | 6 u8 m: 8 | 7 u8 unused
//   empty ends here; one value: T
//   8 u64 n | 16 u16 least k merged | 18 u8 levels L | 19 unused: 1 byte, of whylogs 5
//   u32 x L: index of the first value of each level; level h has weight 2^h
//   T min | T max | T x (capacity - first index)
//
// where capacity, the end of the last level, follows from k, m and L.
namespace lightmeter::sketch {
namespace {

constexpr std::uint8_t kEmpty = 1;
constexpr std::uint8_t kOneValue = 4;
constexpr std::uint8_t kKnownFlags = 7;
constexpr std::uint64_t kLeastRoom = 8;

using wire::require;

// k (2/3)^depth rounded to the nearest whole, in integers as the writer computes it: beyond depth
// 30 in two steps, so that nothing overflows.
std::uint64_t room(std::uint64_t k, unsigned depth) {
  if (depth > 30) return room(room(k, depth / 2), depth - depth / 2);
  std::uint64_t threes = 1;
  for (unsigned i = 0; i < depth; ++i) threes *= 3;
  return ((k << (depth + 1)) / threes + 1) >> 1;
}

std::uint64_t capacity(std::uint64_t k, unsigned levels) {
  std::uint64_t sum = 0;
  for (unsigned depth = 0; depth < levels; ++depth) sum += std::max(kLeastRoom, room(k, depth));
  return sum;
}

double read_value(wire::Reader& in, ItemType type) {
  const double value = type == ItemType::kFloat32 ? static_cast<double>(in.f32()) : in.f64();
  require(!std::isnan(value), "DataSketches KLL: a value is NaN; is this the right item type?");
  return value + 0.0;
}

// What DataSketches publishes for the error at 99 % confidence, as a variance that gives the same.
RankError published_error(std::uint64_t k, std::uint64_t n) {
  const double share = 2.296 / std::pow(static_cast<double>(k), 0.9723);
  return RankError::measured(share * static_cast<double>(n), 0.01);
}

}  // namespace

QuantileSketch from_datasketches(std::span<const std::uint8_t> bytes, ItemType type,
                                 std::uint64_t key) {
  wire::Reader in(bytes);
  QuantileSketch result(key);
  const std::uint8_t preamble = in.u8();
  const std::uint8_t version = in.u8();
  require(in.u8() == 15, "DataSketches KLL: not a KLL sketch");
  const std::uint8_t flags = in.u8();
  require((flags & ~kKnownFlags) == 0, "DataSketches KLL: unknown flags");
  const std::uint64_t k = in.u16();
  require(k >= kLeastRoom, "DataSketches KLL: k is below 8");
  require(in.u8() == kLeastRoom, "DataSketches KLL: m is not 8");
  (void)in.u8();
  if ((flags & (kEmpty | kOneValue)) != 0) {
    const bool empty = (flags & kEmpty) != 0;
    require(preamble == 2 && version == (empty ? 1 : 2),
            "DataSketches KLL: a header that fits no sketch");
    if (!empty) result.update(read_value(in, type));
    in.expect_end();
    return result;
  }
  require((preamble == 5 || preamble == 6) && version == 1,
          "DataSketches KLL: a header that fits no sketch");
  const std::uint64_t n = in.u64();
  const std::uint64_t least_k = in.u16();
  const unsigned level_count = in.u8();
  (void)in.bytes(preamble == 5 ? 1 : 5);
  require(n >= 2 && n <= kMaxCount, "DataSketches KLL: an impossible n");
  require(least_k >= kLeastRoom && least_k <= k, "DataSketches KLL: an impossible least k");
  require(level_count >= 1 && level_count <= kMaxLevel + 1,
          "DataSketches KLL: an impossible number of levels");

  const std::uint64_t end = capacity(k, level_count);
  std::vector<std::uint64_t> bounds(level_count);
  for (std::uint64_t& bound : bounds) bound = in.u32();
  bounds.push_back(end);
  require(std::ranges::is_sorted(bounds), "DataSketches KLL: levels that overlap");
  std::uint64_t left = n;
  for (unsigned h = 0; h < level_count; ++h) {
    const std::uint64_t count = bounds[h + 1] - bounds[h];
    require(count <= left >> h, "DataSketches KLL: the weights do not sum to n");
    left -= count << h;
  }
  require(left == 0, "DataSketches KLL: the weights do not sum to n");

  const double least = read_value(in, type);
  const double greatest = read_value(in, type);
  require(least <= greatest, "DataSketches KLL: extrema that are not in order");
  const std::uint64_t size = type == ItemType::kFloat32 ? 4 : 8;
  require(in.remaining() == (end - bounds[0]) * size,
          "DataSketches KLL: the length does not fit; is this the right item type?");
  QuantileState state;
  std::vector<QuantileLevel> levels(level_count);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double least_there = kInfinity;
  double greatest_there = -kInfinity;
  double least_kept = kInfinity;
  double greatest_kept = -kInfinity;
  for (unsigned h = 0; h < level_count; ++h) {
    for (std::uint64_t i = bounds[h]; i < bounds[h + 1]; ++i) {
      const double value = read_value(in, type);
      require(least <= value && value <= greatest,
              "DataSketches KLL: a value outside of the extrema");
      require(h == 0 || levels[h].values.empty() || levels[h].values.back() <= value,
              "DataSketches KLL: a level out of order");
      least_there = std::min(least_there, value);
      greatest_there = std::max(greatest_there, value);
      if (!std::isfinite(value)) {
        (value > 0.0 ? state.pos_inf : state.neg_inf) += std::uint64_t{1} << h;
        continue;
      }
      levels[h].values.push_back(value);
      least_kept = std::min(least_kept, value);
      greatest_kept = std::max(greatest_kept, value);
    }
  }
  if (bounds[1] - bounds[0] == n) {
    require(least == least_there && greatest == greatest_there,
            "DataSketches KLL: extrema that no value has");
    result = QuantileSketch::from_state(std::move(state), key);
    result.update(std::span<const double>(levels[0].values));
    return result;
  }
  if (least_kept > greatest_kept) return QuantileSketch::from_state(std::move(state), key);
  // An infinite extremum hides the finite one; the values that were kept are then all there is.
  QuantileSample& sample = state.sample.emplace();
  sample.coin_key = key;
  for (const auto& level : levels) {
    for (const double value : level.values) {
      sample.coin_key = mix(sample.coin_key, std::bit_cast<std::uint64_t>(value));
    }
  }
  sample.variance = published_error(least_k, n).variance();
  sample.least = std::isfinite(least) ? least : least_kept;
  sample.greatest = std::isfinite(greatest) ? greatest : greatest_kept;
  sample.levels = std::move(levels);
  return QuantileSketch::from_state(std::move(state), key);
}

}  // namespace lightmeter::sketch
