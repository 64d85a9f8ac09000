#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Bits fill bytes from the lowest; the last byte is padded with zeros.
class BitWriter {
 public:
  explicit BitWriter(wire::Writer& out) : out_(out) {}

  void put(std::uint64_t bits, int count) {  // count <= 64, no bits above it
    if (count > 32) {
      put(bits & 0xFFFFFFFF, 32);
      return put(bits >> 32, count - 32);
    }
    held_ |= bits << filled_;
    filled_ += count;
    for (; filled_ >= 8; filled_ -= 8, held_ >>= 8) out_.u8(static_cast<std::uint8_t>(held_));
  }
  void finish() {
    if (filled_ > 0) out_.u8(static_cast<std::uint8_t>(held_));
  }

 private:
  wire::Writer& out_;
  std::uint64_t held_ = 0;
  int filled_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> data) : data_(data) {}

  // The next bits, at least kWindow of them valid; zeros past the end.
  static constexpr int kWindow = 57;
  [[nodiscard]] std::uint64_t peek() const {
    const std::size_t byte = position_ / 8;
    std::uint64_t bits = 0;
    if (std::endian::native == std::endian::little && byte + 8 <= data_.size()) {
      std::memcpy(&bits, &data_[byte], 8);
    } else {
      for (std::size_t i = 0; i < 8 && byte + i < data_.size(); ++i) {
        bits |= std::uint64_t{data_[byte + i]} << (8 * i);
      }
    }
    return bits >> (position_ % 8);
  }
  void skip(int count) { position_ += static_cast<std::size_t>(count); }
  [[nodiscard]] std::uint64_t get(int count) {
    std::uint64_t bits = peek();
    if (count > kWindow) {
      skip(32);
      bits = (bits & 0xFFFFFFFF) | (peek() << 32);
      skip(count - 32);
    } else {
      skip(count);
    }
    return count == 64 ? bits : bits & ((std::uint64_t{1} << count) - 1);
  }
  [[nodiscard]] std::size_t bytes_used() const { return (position_ + 7) / 8; }
  [[nodiscard]] bool padded_with_zeros() const {
    return position_ % 8 == 0 || data_[position_ / 8] >> (position_ % 8) == 0;
  }

 private:
  std::span<const std::uint8_t> data_;
  std::size_t position_ = 0;  // in bits
};

}  // namespace lightmeter::sketch
