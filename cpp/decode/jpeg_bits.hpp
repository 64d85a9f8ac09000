#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace lightmeter::decode {

// The bits of entropy-coded segments (ITU T.81, F.1.2.3 and B.1.1.5), highest first. After the last
// bit before a marker come zeros, which are counted.
class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  // Makes 56 bits ready: more than two of the longest codes with their additional bits, 16 + 11.
  void refill() noexcept {
    if (bytes_.size() - at_ >= 8) {
      std::uint64_t next = 0;
      std::memcpy(&next, bytes_.data() + at_, 8);
      if constexpr (std::endian::native == std::endian::little) next = __builtin_bswap64(next);
      if (!has_ff(next)) {
        // The last byte may come in part; the part is the same when it comes again.
        bits_ |= next >> ready_;
        at_ += static_cast<std::size_t>(63 - ready_) / 8;
        ready_ |= 56;
        return;
      }
    }
    refill_by_bytes();
  }

  // The next 1 to 32 bits of those that are ready.
  [[nodiscard]] std::uint32_t peek(int count) const noexcept {
    return static_cast<std::uint32_t>(bits_ >> (64 - count));
  }
  // Goes on by up to 32 bits, of those that are ready.
  void skip(int count) noexcept {
    bits_ <<= count;
    ready_ -= count;
  }

  // Whether bits were taken that are not there.
  [[nodiscard]] bool is_overrun() const noexcept { return ready_ < zeros_; }
  // Ends a segment and goes behind its marker. False if more than the rest of the last byte was
  // left, or if another marker follows.
  [[nodiscard]] bool end_segment(std::uint8_t marker) noexcept {
    const int left = ready_ - zeros_;
    if (left < 0 || left > 7 || bytes_.size() - at_ < 2) return false;
    if (bytes_[at_] != 0xFF || bytes_[at_ + 1] != marker) return false;
    at_ += 2;
    bits_ = 0;
    ready_ = zeros_ = 0;
    return true;
  }

 private:
  // Whether a byte is 0xFF: one less than its complement then borrows.
  [[nodiscard]] static bool has_ff(std::uint64_t bytes) noexcept {
    return ((~bytes - 0x0101010101010101U) & bytes & 0x8080808080808080U) != 0;
  }

  void refill_by_bytes() noexcept {
    while (ready_ < 56) {
      std::uint64_t byte = 0;
      const std::size_t left = bytes_.size() - at_;
      if (left >= 1 && bytes_[at_] != 0xFF) {
        byte = bytes_[at_];
        at_ += 1;
      } else if (left >= 2 && bytes_[at_ + 1] == 0) {  // a stuffed zero
        byte = 0xFF;
        at_ += 2;
      } else {
        zeros_ += 8;
      }
      bits_ |= byte << (56 - ready_);
      ready_ += 8;
    }
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::uint64_t bits_ = 0;  // from the highest bit on
  int ready_ = 0;           // at most 63
  int zeros_ = 0;
};

}  // namespace lightmeter::decode
