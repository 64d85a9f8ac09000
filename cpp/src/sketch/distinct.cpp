#include "lightmeter/sketch/distinct.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "lightmeter/error.hpp"
#include "sketch/mix.hpp"
#include "sketch/packing.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {
namespace {

constexpr int kIndexBits = 12;
constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
constexpr int kRankBits = 64 - kIndexBits;  // a register holds 0 to kRankBits + 1
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

// (1 - x - sum over j >= 1 of (1 - x^(2^-j))^2 2^-j) / 3: what the registers at the top contribute.
double full_term(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double sum = 1.0 - x;
  double factor = 1.0;
  for (double before = -1.0; sum != before;) {
    before = sum;
    x = std::sqrt(x);
    factor *= 0.5;
    sum -= (1.0 - x) * (1.0 - x) * factor;
  }
  return sum / 3.0;
}

}  // namespace

std::uint64_t DistinctCount::hash(std::string_view value) noexcept {
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
  return hash;
}

std::uint64_t DistinctCount::hash(double value) noexcept {
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  return mix(0, std::bit_cast<std::uint64_t>(value + 0.0));
}

std::uint64_t DistinctCount::hash(std::int64_t value) noexcept {
  const auto number = static_cast<double>(value);
  // 2^63 is the one double in reach that does not convert back.
  if (number < 0x1p63 && static_cast<std::int64_t>(number) == value) return hash(number);
  return mix(1, static_cast<std::uint64_t>(value));
}

void DistinctCount::insert(std::uint64_t hash) {
  if (!is_exact()) return raise_register(hash);
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
  for (const std::uint64_t hash : hashes_) raise_register(hash);
  hashes_.clear();
  hashes_.shrink_to_fit();
}

void DistinctCount::merge(const DistinctCount& other) {
  if (&other == this) return;
  if (other.is_exact()) {
    for (const std::uint64_t hash : other.hashes_) insert(hash);
    return;
  }
  if (is_exact()) leave_exact();
  for (std::size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

// Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), improved raw
// estimator: no tables and no switch between ranges.
double DistinctCount::estimate() const noexcept {
  if (is_exact()) return static_cast<double>(hashes_.size());
  std::array<std::size_t, kRankBits + 2> histogram{};
  for (const std::uint8_t rank : registers_) ++histogram[rank];
  constexpr auto m = static_cast<double>(kRegisters);
  double z = m * full_term(1.0 - static_cast<double>(histogram[kRankBits + 1]) / m);
  for (std::size_t rank = kRankBits; rank > 0; --rank) {
    z = 0.5 * (z + static_cast<double>(histogram[rank]));
  }
  z += m * empty_term(static_cast<double>(histogram[0]) / m);
  return m * m / (2.0 * std::log(2.0) * z);
}

double DistinctCount::lower(double deviations) const noexcept {
  if (is_exact()) return estimate();
  return std::max(estimate() / (1.0 + deviations * kStandardError),
                  static_cast<double>(kExactValues + 1));
}

double DistinctCount::upper(double deviations) const noexcept {
  if (is_exact()) return estimate();
  return std::max(estimate() * (1.0 + deviations * kStandardError),
                  static_cast<double>(kExactValues + 1));
}

// u8 0: varint count | sorted hashes as Rice code of their differences
// u8 1: u8 least register | registers less the least one, as Rice code
void DistinctCount::encode(wire::Writer& out) const {
  out.u8(is_exact() ? 0 : 1);
  if (is_exact()) {
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
  DistinctCount result;
  const std::uint8_t form = in.u8();
  if (form > 1) throw DecodeError("distinct count: unknown form " + std::to_string(form));
  if (form == 0) {
    const std::uint64_t count = in.count(1);
    if (count > kExactValues) throw DecodeError("distinct count: too many exact values");
    result.hashes_ = read_rice(in, static_cast<std::size_t>(count));
    for (std::size_t i = 1; i < result.hashes_.size(); ++i) {
      result.hashes_[i] += result.hashes_[i - 1];
      if (result.hashes_[i] <= result.hashes_[i - 1]) {
        throw DecodeError("distinct count: the hashes are not rising");
      }
    }
    return result;
  }
  const std::uint64_t least = in.u8();
  std::uint64_t smallest = kRankBits;
  for (const std::uint64_t above : read_rice(in, kRegisters)) {
    if (least > kRankBits + 1 || above > kRankBits + 1 - least) {
      throw DecodeError("distinct count: a register is out of range");
    }
    smallest = std::min(smallest, above);
    result.registers_.push_back(static_cast<std::uint8_t>(least + above));
  }
  if (smallest != 0) throw DecodeError("distinct count: the least register is not the least");
  return result;
}

bool operator==(const DistinctCount& a, const DistinctCount& b) {
  return a.hashes_ == b.hashes_ && a.registers_ == b.registers_;
}

}  // namespace lightmeter::sketch
