#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Count, means and co-moments of rows of numbers: the sums of products of two numbers' distances
// from their means. Any order and any tree of merges agrees to 1e-12 of the numbers' scales. Up to
// kFewRows rows are kept themselves and are added one by one wherever they are merged into: so rows
// in one order give the same bytes, whatever blocks of at most kFewRows they come in.
//
// A mean is a sum of two doubles, as one alone would cost small spreads of large numbers: 1e8 and
// 1e8 + 1e-3 differ by 1e-3 with all bits. A number is below 2^128 (3.4e38) and is taken as a
// multiple of 2^-240 (6e-73), so that no product overflows or loses bits.
class Covariance {
 public:
  static constexpr std::size_t kMaxDimensions = 64;
  static constexpr std::size_t kFewRows = 64;

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

  [[nodiscard]] std::size_t dimensions() const noexcept { return means_.size(); }
  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }
  [[nodiscard]] std::vector<double> means() const { return folded().means_; }
  // By how much they are above those of another with as many dimensions.
  [[nodiscard]] std::vector<double> means_above(const Covariance& other) const;
  // Of the numbers (0, 0), (0, 1), .. (1, 1), (1, 2), ..
  [[nodiscard]] std::vector<double> comoments() const { return folded().comoments_; }

  // varint dimensions | varint n
  // n in 1..kFewRows: u8 4 or 8, the bytes of a number: 4 where all are floats | rows
  // n above: f64 each: means, what these lack, co-moments
  void encode(wire::Writer& out) const;
  [[nodiscard]] static Covariance decode(wire::Reader& in);

  friend bool operator==(const Covariance& a, const Covariance& b);

 private:
  void push(std::span<const double> rows);
  void fold();
  [[nodiscard]] Covariance folded() const;
  double move_means(std::span<const double> above, std::uint64_t before,
                    std::uint64_t count) noexcept;
  void add_products(std::span<const double> above, std::span<const double> weights) noexcept;

  std::uint64_t n_ = 0;
  std::vector<double> means_;
  std::vector<double> rests_;  // what the means lack: at most half of their last bits
  std::vector<double> comoments_;
  std::vector<double> rows_;  // at most kFewRows that are in none of the three above
};

}  // namespace lightmeter::sketch
