#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Sums of many addends without rounding, so that no order and no tree of additions matters. Each is
// a whole number of quanta of 2^kQuantum, in two's complement, of kLimbs limbs of 64 bits. Limbs
// that no sum needs are not kept.
class ExactSums {
 public:
  static constexpr int kQuantum = -320;
  static constexpr std::size_t kLimbs = 10;
  static constexpr std::size_t kBytes = 8 * kLimbs;

  explicit ExactSums(std::size_t size = 0) : size_(size) {}

  // Adds amount * 2^exponent to sum i; kQuantum <= exponent <= 210. A sum that leaves 640 bits
  // wraps: 2^56 addends below 2^256 do not.
  void add(std::size_t i, std::int64_t amount, int exponent);
  // Sum i of `other`, which has as many, to sum i.
  void merge(const ExactSums& other);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Quanta, as little-endian two's complement.
  [[nodiscard]] std::array<std::uint8_t, kBytes> bytes(std::size_t i) const;
  // 64 bits of it, the lowest ones at place 0 of kLimbs.
  [[nodiscard]] std::uint64_t limb(std::size_t i, std::size_t place) const noexcept;
  // The sums of these places, in that order.
  [[nodiscard]] ExactSums picked(std::span<const std::size_t> places) const;

  // Each: u8 bytes that follow; unless 0, u8 place of the lowest | two's complement of as many.
  // Neither the lowest byte nor the highest can be left out.
  void encode(wire::Writer& out) const;
  [[nodiscard]] static ExactSums decode(wire::Reader& in, std::size_t size);

 private:
  void keep(std::size_t first, std::size_t end);
  void add_at(std::size_t i, std::size_t place, std::uint64_t low, std::uint64_t high) noexcept;
  [[nodiscard]] bool is_full(std::size_t i) const noexcept;

  std::size_t size_;
  std::size_t first_ = 0;  // place of the lowest limb that is kept
  std::size_t width_ = 0;  // limbs kept of each sum
  std::vector<std::uint64_t> limbs_;
};

}  // namespace lightmeter::sketch
