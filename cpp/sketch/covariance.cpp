#include "sketch/covariance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "error.hpp"
#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

namespace {

constexpr int kLeastExponent = -160;  // of a number
constexpr std::size_t kBlock = 64;    // rows that are folded at once
constexpr int kSliceBits = 23;

// To a multiple of 2^-160; 0 has no sign. Numbers from 2^-108 on are one anyway.
double rounded(double value) noexcept {
  constexpr double kShift = 0x1.8p-108;  // its last bit is 2^-160
  if (std::abs(value) < 0x1p-109) value = (value + kShift) - kShift;
  return value + 0.0;
}

bool is_float(double value) noexcept {
  return std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()) &&
         static_cast<double>(static_cast<float>(value)) == value;
}

std::size_t sums_of(std::size_t dimensions) noexcept {
  return dimensions + dimensions * (dimensions + 1) / 2;
}

// A column of a block is cut into slices: whole numbers of at most 23 bits and a sign, times a
// power of two. Then the sum of 64 products of two slices is a whole number of at most 52 bits, and
// doubles add it without any rounding, in whatever order a compiler likes.
struct Slice {
  int exponent;
  std::array<double, kBlock> units;
};

std::vector<Slice> slices_of(std::array<double, kBlock> rest) {
  std::vector<Slice> slices;
  for (;;) {
    double most = 0.0;
    for (const double value : rest) most = std::max(most, std::abs(value));
    if (most == 0.0) return slices;
    int exponent = 0;
    (void)std::frexp(most, &exponent);  // most < 2^exponent
    exponent = std::max(exponent - kSliceBits, kLeastExponent);
    const double shift = std::ldexp(1.5, exponent + 52);  // its last bit is 2^exponent
    const double per_unit = std::ldexp(1.0, -exponent);
    Slice& slice = slices.emplace_back();
    slice.exponent = exponent;
    for (std::size_t row = 0; row < kBlock; ++row) {
      const double whole = (rest[row] + shift) - shift;
      slice.units[row] = whole * per_unit;
      rest[row] -= whole;
    }
  }
}

std::int64_t dot(const Slice& a, const Slice& b) noexcept {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  for (std::size_t row = 0; row < kBlock; row += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += a.units[row + lane] * b.units[row + lane];
    }
  }
  double sum = 0.0;
  for (const double lane : lanes) sum += lane;
  return static_cast<std::int64_t>(sum);
}

void fold_block(std::span<const double> rows, std::size_t dimensions, ExactSums& sums) {
  std::vector<std::vector<Slice>> columns;
  columns.reserve(dimensions);
  for (std::size_t column = 0; column < dimensions; ++column) {
    std::array<double, kBlock> values{};
    for (std::size_t row = 0; row * dimensions < rows.size(); ++row) {
      values[row] = rows[row * dimensions + column];
    }
    columns.push_back(slices_of(values));
    for (const Slice& slice : columns.back()) {
      double sum = 0.0;
      for (const double unit : slice.units) sum += unit;
      sums.add(column, static_cast<std::int64_t>(sum), slice.exponent);
    }
  }
  std::size_t place = dimensions;
  for (std::size_t i = 0; i < dimensions; ++i) {
    for (std::size_t j = i; j < dimensions; ++j, ++place) {
      for (const Slice& a : columns[i]) {
        for (const Slice& b : columns[j]) sums.add(place, dot(a, b), a.exponent + b.exponent);
      }
    }
  }
}

void fold(std::span<const double> rows, std::size_t dimensions, ExactSums& sums) {
  while (!rows.empty()) {
    const std::size_t size = std::min(rows.size(), kBlock * dimensions);
    fold_block(rows.first(size), dimensions, sums);
    rows = rows.subspan(size);
  }
}

}  // namespace

Covariance::Covariance(std::size_t dimensions)
    : dimensions_(dimensions), sums_(sums_of(dimensions)) {
  if (dimensions > kMaxDimensions) {
    throw std::invalid_argument("got " + std::to_string(dimensions) +
                                " dimensions; expected 0 to " + std::to_string(kMaxDimensions));
  }
}

void Covariance::update(std::span<const double> row) {
  if (row.size() != dimensions_ || dimensions_ == 0) {
    throw std::invalid_argument("got a row of " + std::to_string(row.size()) +
                                " numbers; expected " + std::to_string(dimensions_));
  }
  if (!std::ranges::all_of(row, takes)) {
    throw std::invalid_argument("got a number that is not finite or not below 2^128");
  }
  check_sum(n(), 1);
  for (const double value : row) rows_.push_back(rounded(value));
  if (pending() >= kBlock) fold_if_many();
}

// All blocks but a last one that is not full.
void Covariance::fold_if_many() {
  if (n() <= kFewRows) return;
  const std::size_t full = rows_.size() / (kBlock * dimensions_) * (kBlock * dimensions_);
  fold(std::span(rows_).first(full), dimensions_, sums_);
  folded_ += full / dimensions_;
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(full));
}

void Covariance::merge(const Covariance& other) {
  if (other.dimensions_ != dimensions_) {
    throw IncompatibleError("got covariances of " + std::to_string(other.dimensions_) +
                            " dimensions; expected " + std::to_string(dimensions_));
  }
  check_sum(n(), other.n());
  rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
  sums_.merge(other.sums_);
  folded_ += other.folded_;
  fold_if_many();
}

ExactSums Covariance::sums() const {
  ExactSums all = sums_;
  fold(rows_, dimensions_, all);
  return all;
}

Covariance Covariance::picked(std::span<const std::size_t> places) const {
  Covariance some(places.size());
  if (places.empty()) return some;
  some.folded_ = folded_;
  for (std::size_t row = 0; row < pending(); ++row) {
    for (const std::size_t place : places) some.rows_.push_back(rows_[row * dimensions_ + place]);
  }
  std::vector<std::size_t> sums(places.begin(), places.end());
  for (auto i = places.begin(); i != places.end(); ++i) {
    for (auto j = i; j != places.end(); ++j) {
      sums.push_back(dimensions_ + *i * dimensions_ - *i * (*i + 1) / 2 + *j);
    }
  }
  some.sums_ = sums_.picked(sums);
  return some;
}

void Covariance::encode(wire::Writer& out) const {
  out.varint(dimensions_);
  out.varint(n());
  if (n() == 0) return;
  if (n() > kFewRows) return sums().encode(out);
  std::vector<std::vector<double>> rows;
  for (auto row = rows_.begin(); row != rows_.end();
       row += static_cast<std::ptrdiff_t>(dimensions_)) {
    rows.emplace_back(row, row + static_cast<std::ptrdiff_t>(dimensions_));
  }
  std::ranges::sort(rows);
  const bool floats = std::ranges::all_of(rows_, is_float);
  out.u8(floats ? 4 : 8);
  for (const auto& row : rows) {
    for (const double value : row) floats ? out.f32(static_cast<float>(value)) : out.f64(value);
  }
}

Covariance Covariance::decode(wire::Reader& in) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw DecodeError(std::string("covariance: ") + what);
  };
  const std::uint64_t dimensions = in.varint();
  require(dimensions <= kMaxDimensions, "too many dimensions");
  Covariance covariance(static_cast<std::size_t>(dimensions));
  const std::uint64_t n = in.varint();
  require(n <= kMaxCount, "a count above 2^56");
  if (n == 0) return covariance;
  require(dimensions > 0, "rows of no numbers");
  if (n > kFewRows) {
    covariance.sums_ = ExactSums::decode(in, sums_of(covariance.dimensions_));
    covariance.folded_ = n;
    return covariance;
  }
  const std::uint8_t width = in.u8();
  require(width == 4 || width == 8, "numbers of no width");
  bool floats = true;
  std::vector<double> last;
  for (std::uint64_t left = n; left > 0; --left) {
    std::vector<double> row;
    for (std::uint64_t more = dimensions; more > 0; --more) {
      const double value = width == 4 ? static_cast<double>(in.f32()) : in.f64();
      require(takes(value), "a number is not finite, or too large");
      require(rounded(value) == value && !(value == 0.0 && std::signbit(value)),
              "a number is no multiple of 2^-160, or is -0");
      floats = floats && is_float(value);
      row.push_back(value);
    }
    require(last <= row, "rows out of order");
    covariance.rows_.insert(covariance.rows_.end(), row.begin(), row.end());
    last = std::move(row);
  }
  require(floats == (width == 4), "numbers of another width than they need");
  return covariance;
}

bool operator==(const Covariance& a, const Covariance& b) { return wire::same_bytes(a, b); }

}  // namespace lightmeter::sketch
