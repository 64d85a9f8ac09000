#include "sketch/rice.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "error.hpp"

namespace lightmeter::sketch {
namespace {

using wire::require;

constexpr int kEscape = 24;

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
  [[nodiscard]] std::uint64_t get(int count) {  // count <= 64
    if (count > 32) {
      const std::uint64_t low = get(32);
      return low | get(count - 32) << 32;
    }
    const std::uint64_t bits = peek() & ((std::uint64_t{1} << count) - 1);
    skip(count);
    return bits;
  }
  [[nodiscard]] std::size_t bytes_used() const { return (position_ + 7) / 8; }
  [[nodiscard]] bool padded_with_zeros() const {
    return position_ % 8 == 0 || data_[position_ / 8] >> (position_ % 8) == 0;
  }

 private:
  std::span<const std::uint8_t> data_;
  std::size_t position_ = 0;  // in bits
};

std::uint64_t rice_bits(std::span<const std::uint64_t> values, int r) {
  std::uint64_t bits = 0;
  for (const std::uint64_t value : values) {
    const std::uint64_t upper = value >> r;
    bits += upper < kEscape ? upper + 1 + static_cast<std::uint64_t>(r) : kEscape + 64;
  }
  return bits;
}

// The best r is near the mean width of the values; unlike the width of their mean that is not moved
// by a few large ones.
int choose_rice(std::span<const std::uint64_t> values) {
  std::uint64_t widths = 0;
  for (const std::uint64_t value : values) {
    widths += static_cast<std::uint64_t>(std::bit_width(value));
  }
  const int middle = static_cast<int>(widths / values.size());
  std::pair<std::uint64_t, int> best{std::numeric_limits<std::uint64_t>::max(), 0};
  for (int r = std::max(middle - 3, 0); r <= std::min(middle + 2, 63); ++r) {
    best = std::min(best, std::pair(rice_bits(values, r), r));
  }
  return best.second;
}

}  // namespace

void write_rice(wire::Writer& out, std::span<const std::uint64_t> values) {
  if (values.empty()) return;
  const int r = choose_rice(values);
  out.u8(static_cast<std::uint8_t>(r));
  BitWriter bits(out);
  for (const std::uint64_t value : values) {
    const std::uint64_t upper = value >> r;
    if (upper < kEscape) {
      bits.put((std::uint64_t{1} << upper) - 1, static_cast<int>(upper) + 1);
      bits.put(value & ((std::uint64_t{1} << r) - 1), r);
    } else {
      bits.put((std::uint64_t{1} << kEscape) - 1, kEscape);
      bits.put(value, 64);
    }
  }
  bits.put(0, 7);  // fills up the last byte, if one was begun
}

std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count) {
  std::vector<std::uint64_t> values(count);
  if (count == 0) return values;
  const int r = in.u8();
  require(r <= 63, "packed numbers: a width of more than 63 bits");
  const std::uint64_t lower_bits = (std::uint64_t{1} << r) - 1;
  wire::Reader rest = in;
  const auto data = rest.bytes(rest.remaining());
  BitReader bits(data);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t window = bits.peek();
    const int upper = std::countr_one(window);
    if (upper >= kEscape) {
      bits.skip(kEscape);
      values[i] = bits.get(64);
      continue;
    }
    std::uint64_t lower = 0;
    if (upper + 1 + r <= BitReader::kWindow) {
      lower = (window >> (upper + 1)) & lower_bits;
      bits.skip(upper + 1 + r);
    } else {
      bits.skip(upper + 1);
      lower = bits.get(r);
    }
    const auto high = static_cast<std::uint64_t>(upper);
    if (high > std::numeric_limits<std::uint64_t>::max() >> r) {
      throw DecodeError("packed numbers: a number has more than 64 bits");
    }
    values[i] = high << r | lower;
  }
  require(bits.bytes_used() <= data.size(), "packed numbers: the data ends early");
  require(bits.padded_with_zeros(), "packed numbers: the padding is not zero");
  (void)in.bytes(bits.bytes_used());
  return values;
}

}  // namespace lightmeter::sketch
