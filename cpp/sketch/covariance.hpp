#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sketch/exact_sums.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Count, means and covariances of rows of numbers. The sums of the numbers and of their products
// are exact, so any order and any tree of merges gives the same bytes, and no difference of scales
// loses anything.
//
// A number is below 2^128 (3.4e38) and is taken as a multiple of 2^-160 (7e-49); all bits of a
// double of at least 1e-32 are kept. Up to kFewRows rows are kept themselves.
class Covariance {
 public:
  static constexpr std::size_t kMaxDimensions = 64;
  static constexpr std::size_t kFewRows = 32;

  // std::invalid_argument above kMaxDimensions.
  explicit Covariance(std::size_t dimensions = 0);

  // Whether a number can be one of a row: finite, and below 2^128.
  [[nodiscard]] static bool takes(double value) noexcept {
    return value > -0x1p128 && value < 0x1p128;
  }
  // std::invalid_argument, and nothing changes, unless it has as many numbers as dimensions and
  // takes each; IncompatibleError as for merge().
  void update(std::span<const double> row);
  // IncompatibleError, and nothing changes, for another number of dimensions, or if that would
  // count more than 2^56.
  void merge(const Covariance& other);

  [[nodiscard]] std::size_t dimensions() const noexcept { return dimensions_; }
  [[nodiscard]] std::uint64_t n() const noexcept { return folded_ + pending(); }
  // First the sums of each number, then those of the products (0, 0), (0, 1), .. (1, 1), (1, 2), ..
  [[nodiscard]] ExactSums sums() const;
  // Of some of the numbers, by rising place.
  [[nodiscard]] Covariance picked(std::span<const std::size_t> places) const;

  // varint dimensions | varint n
  // n in 1..kFewRows: u8 4 or 8, the bytes of a number: 4 where all are floats | rows, rising
  // n above: the sums
  void encode(wire::Writer& out) const;
  [[nodiscard]] static Covariance decode(wire::Reader& in);

  friend bool operator==(const Covariance& a, const Covariance& b);

 private:
  [[nodiscard]] std::uint64_t pending() const noexcept {
    return dimensions_ == 0 ? 0 : rows_.size() / dimensions_;
  }
  void fold_if_many();

  std::size_t dimensions_;
  std::uint64_t folded_ = 0;  // rows in sums_, none while n is at most kFewRows
  std::vector<double> rows_;  // those that are not, one after the other
  ExactSums sums_;
};

}  // namespace lightmeter::sketch
