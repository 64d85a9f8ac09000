#include "sketch/distinct.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "error.hpp"
#include "nan.hpp"
#include "sketch/limits.hpp"
#include "sketch/mix.hpp"
#include "sketch/rice.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {
namespace {

using wire::require;

constexpr int kIndexBits = 12;
constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
constexpr int kRankBits = 64 - kIndexBits;  // a register holds 0 to kRankBits + 1
// What is sampled holds more values than can be listed.
constexpr double kLeastSampled = DistinctCount::kExactValues + 1;
constexpr std::uint8_t kHashes = 0;
constexpr std::uint8_t kSampled = 1;
constexpr std::uint8_t kElsewhere = 2;
constexpr auto kMostSeen = static_cast<double>(kMaxCount);
const double kStandardError = 1.04 / std::sqrt(static_cast<double>(kRegisters));

// sum over j >= 1 of x^(2^j) 2^(j-1), plus x: what the registers still at 0 contribute.
double empty_term(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double sum = x;
  double factor = 1.0;
  for (double before = -1.0; sum != before; factor += factor) {
    before = sum;
    x *= x;
    sum += x * factor;
  }
  return sum;
}

}  // namespace

void DistinctCount::update(std::string_view value) {
  std::uint64_t hash = mix(value.size() + 1);
  while (!value.empty()) {
    const std::size_t taken = std::min<std::size_t>(value.size(), 8);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < taken; ++i) {
      word |= std::uint64_t{static_cast<std::uint8_t>(value[i])} << (8 * i);
    }
    hash = mix(hash, word);
    value.remove_prefix(taken);
  }
  insert(hash);
}

void DistinctCount::update(double value) {
  if (std::isnan(value)) value = kNan;
  insert(mix(0, std::bit_cast<std::uint64_t>(value + 0.0)));
}

void DistinctCount::insert(std::uint64_t hash) {
  if (!registers_.empty()) return raise_register(hash);
  const auto place = std::ranges::lower_bound(hashes_, hash);
  if (place != hashes_.end() && *place == hash) return;
  hashes_.insert(place, hash);
  if (hashes_.size() > kExactValues) leave_exact();
}

// The upper bits choose a register; it keeps the largest 1 + number of leading zeros of the rest.
void DistinctCount::raise_register(std::uint64_t hash) noexcept {
  const std::uint64_t rest = hash << kIndexBits;
  const int rank = std::min(std::countl_zero(rest), kRankBits) + 1;
  std::uint8_t& kept = registers_[hash >> kRankBits];
  kept = std::max(kept, static_cast<std::uint8_t>(rank));
}

void DistinctCount::leave_exact() {
  registers_.assign(kRegisters, 0);
  for (const std::uint64_t hash : std::exchange(hashes_, {})) raise_register(hash);
}

void DistinctCount::merge(const DistinctCount& other) {
  elsewhere_.lower = std::max(elsewhere_.lower, other.elsewhere_.lower);
  elsewhere_.estimate = std::max(elsewhere_.estimate, other.elsewhere_.estimate);
  elsewhere_.upper = std::min(kMostSeen, elsewhere_.upper + other.elsewhere_.upper);
  if (&other == this) return;
  if (other.registers_.empty()) {
    for (const std::uint64_t hash : other.hashes_) insert(hash);
    return;
  }
  if (registers_.empty()) leave_exact();
  for (std::size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

// Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), improved raw
// estimator: no tables and no switch between ranges. It is without his term for registers at the top,
// of which 2^56 values leave 16 on average.
double DistinctCount::own_estimate() const noexcept {
  if (registers_.empty()) return static_cast<double>(hashes_.size());
  std::array<std::size_t, kRankBits + 2> histogram{};
  for (const std::uint8_t rank : registers_) ++histogram[rank];
  constexpr auto m = static_cast<double>(kRegisters);
  double z = 0.0;
  for (std::size_t rank = kRankBits; rank > 0; --rank) {
    z = 0.5 * (z + static_cast<double>(histogram[rank]));
  }
  z += m * empty_term(static_cast<double>(histogram[0]) / m);
  return m * m / (2.0 * std::log(2.0) * z);
}

double DistinctCount::estimate() const noexcept {
  return std::max(own_estimate(), elsewhere_.estimate);
}

double DistinctCount::lower(double deviations) const noexcept {
  const double far = elsewhere_.estimate - elsewhere_.lower;
  const double there = elsewhere_.estimate - deviations * far;
  if (registers_.empty()) return std::max(own_estimate(), there);
  const double here = own_estimate() / (1.0 + deviations * kStandardError);
  return std::max({here, there, kLeastSampled});
}

double DistinctCount::upper(double deviations) const noexcept {
  const double far = elsewhere_.upper - elsewhere_.estimate;
  const double there = elsewhere_.estimate + deviations * far;
  if (registers_.empty()) return own_estimate() + there;
  const double here = own_estimate() * (1.0 + deviations * kStandardError);
  return std::max(here, kLeastSampled) + there;
}

DistinctCount DistinctCount::estimated(const Elsewhere& elsewhere) {
  const auto& [lower, estimate, upper] = elsewhere;
  // Also false of NaN.
  require(0.0 <= lower && lower <= estimate && estimate <= upper && upper <= kMostSeen,
          "distinct count: bounds of an estimate that are not in order");
  DistinctCount result;
  result.elsewhere_ = elsewhere;
  return result;
}

// The layout: docs/format.md, "Distinct values".
void DistinctCount::encode(wire::Writer& out) const {
  const bool listed = registers_.empty();
  const bool has_elsewhere = elsewhere_ != Elsewhere();
  out.u8(
      static_cast<std::uint8_t>((listed ? kHashes : kSampled) | (has_elsewhere ? kElsewhere : 0)));
  if (has_elsewhere) {
    out.f64(elsewhere_.lower);
    out.f64(elsewhere_.estimate);
    out.f64(elsewhere_.upper);
  }
  if (listed) {
    out.varint(hashes_.size());
    std::vector<std::uint64_t> steps = hashes_;
    for (std::size_t i = steps.size(); i-- > 1;) steps[i] -= steps[i - 1];
    return write_rice(out, steps);
  }
  const std::uint8_t least = std::ranges::min(registers_);
  out.u8(least);
  std::vector<std::uint64_t> above(kRegisters);
  for (std::size_t i = 0; i < kRegisters; ++i) above[i] = registers_[i] - least;
  write_rice(out, above);
}

DistinctCount DistinctCount::decode(wire::Reader& in) {
  const std::uint8_t form = in.u8();
  require(form <= (kSampled | kElsewhere), "distinct count: an unknown form");
  Elsewhere elsewhere;
  if ((form & kElsewhere) != 0) {
    // Plus zero, as -0.0 is 0.0.
    elsewhere = {in.f64() + 0.0, in.f64() + 0.0, in.f64() + 0.0};
    require(elsewhere.upper != 0.0, "distinct count: a needless estimate of nothing");
  }
  DistinctCount result = estimated(elsewhere);
  if ((form & kSampled) == 0) {
    const std::uint64_t count = in.count(1);
    require(count <= kExactValues, "distinct count: too many exact values");
    auto& hashes = result.hashes_;
    hashes = read_rice(in, static_cast<std::size_t>(count));
    std::partial_sum(hashes.begin(), hashes.end(), hashes.begin());
    require(std::ranges::adjacent_find(hashes, std::greater_equal{}) == hashes.end(),
            "distinct count: the hashes are not rising");
    return result;
  }
  const std::uint64_t least = in.u8();
  std::uint64_t smallest = kRankBits;
  result.registers_.reserve(kRegisters);
  for (const std::uint64_t above : read_rice(in, kRegisters)) {
    if (least > kRankBits + 1 || above > kRankBits + 1 - least) {
      throw DecodeError("distinct count: a register is out of range");
    }
    smallest = std::min(smallest, above);
    result.registers_.push_back(static_cast<std::uint8_t>(least + above));
  }
  require(smallest == 0, "distinct count: the least register is not the least");
  return result;
}

}  // namespace lightmeter::sketch
