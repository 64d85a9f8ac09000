#include "sketch/packing.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "lightmeter/error.hpp"

namespace lightmeter::sketch {
namespace {

constexpr int kEscape = 24;

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

// Calls visit(i, value) for each number of a Rice code.
template <class Visit>
void visit_rice(wire::Reader& in, std::size_t count, Visit&& visit) {
  if (count == 0) return;
  const int r = in.u8();
  if (r > 63) throw DecodeError("packed numbers: a width of " + std::to_string(r) + " bits");
  const std::uint64_t lower_bits = (std::uint64_t{1} << r) - 1;
  wire::Reader rest = in;
  const auto data = rest.bytes(rest.remaining());
  BitReader bits(data);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t window = bits.peek();
    const int upper = std::countr_one(window);
    if (upper >= kEscape) {
      bits.skip(kEscape);
      visit(i, bits.get(64));
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
    visit(i, high << r | lower);
  }
  if (bits.bytes_used() > data.size()) throw DecodeError("packed numbers: the data ends early");
  if (!bits.padded_with_zeros()) throw DecodeError("packed numbers: the padding is not zero");
  (void)in.bytes(bits.bytes_used());
}

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
  for (const std::uint64_t value : values)
    widths += static_cast<std::uint64_t>(std::bit_width(value));
  const int middle = static_cast<int>(widths / values.size());
  int best = 0;
  std::uint64_t best_bits = std::numeric_limits<std::uint64_t>::max();
  for (int r = std::max(middle - 3, 0); r <= std::min(middle + 2, 63); ++r) {
    const std::uint64_t bits = rice_bits(values, r);
    if (bits < best_bits) best = r, best_bits = bits;
  }
  return best;
}

template <class Key>
constexpr Key kSign = Key{1} << (std::numeric_limits<Key>::digits - 1);

// Integers of the same order as the numbers: negative ones have all bits flipped, the others get
// the top bit.
template <class Float, class Key>
Key to_key(Float value) {
  const auto bits = std::bit_cast<Key>(value);
  return (bits & kSign<Key>) != 0 ? ~bits : bits | kSign<Key>;
}

template <class Float, class Key>
Float from_key(Key key) {
  return std::bit_cast<Float>((key & kSign<Key>) != 0 ? key ^ kSign<Key> : ~key);
}

std::uint64_t wide_key(double value, bool narrow) {
  return narrow ? to_key<float, std::uint32_t>(static_cast<float>(value))
                : to_key<double, std::uint64_t>(value);
}

constexpr std::uint8_t kNarrow = 0x80;

bool fits_float(double value) {
  return std::abs(value) <= std::numeric_limits<float>::max() &&
         static_cast<double>(static_cast<float>(value)) == value;
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
  bits.finish();
}

std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count) {
  std::vector<std::uint64_t> values(count);
  visit_rice(in, count, [&](std::size_t i, std::uint64_t value) { values[i] = value; });
  return values;
}

void write_sorted(wire::Writer& out, std::span<const double> values, bool ties) {
  if (values.empty()) return;
  const bool narrow = std::ranges::all_of(values, fits_float);
  const int width = narrow ? 32 : 64;
  std::vector<std::uint64_t> keys(values.size());
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) used |= keys[i] = wide_key(values[i], narrow);
  const int zeros = std::min(std::countr_zero(used), width - 1);
  out.u8(static_cast<std::uint8_t>((narrow ? kNarrow : 0) | zeros));
  const std::uint64_t first = keys[0] >> zeros;
  for (int bit = 0; bit < width - zeros; bit += 8) out.u8(static_cast<std::uint8_t>(first >> bit));
  const std::uint64_t least = ties ? 0 : 1;
  for (std::size_t i = keys.size() - 1; i > 0; --i) {
    keys[i] = ((keys[i] - keys[i - 1]) >> zeros) - least;
  }
  write_rice(out, std::span(keys).subspan(1));
}

std::vector<double> read_sorted(wire::Reader& in, std::size_t count, bool ties) {
  std::vector<double> values(count);
  if (count == 0) return values;
  const std::uint8_t head = in.u8();
  const bool narrow = (head & kNarrow) != 0;
  const int width = narrow ? 32 : 64;
  const int zeros = head & ~kNarrow;
  if (zeros >= width) throw DecodeError("sorted numbers: a key of no bits");
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max() >> (64 - width + zeros);
  const std::uint64_t least = ties ? 0 : 1;
  std::uint64_t key = 0;
  for (int bit = 0; bit < width - zeros; bit += 8) key |= std::uint64_t{in.u8()} << bit;
  if (key > last) throw DecodeError("sorted numbers: a key has too many bits");

  const auto put = [&](std::size_t i) {
    values[i] = narrow ? from_key<float>(static_cast<std::uint32_t>(key << zeros))
                       : from_key<double>(key << zeros);
    if (std::bit_cast<std::uint64_t>(values[i]) == kSign<std::uint64_t>) {
      throw DecodeError("sorted numbers: -0.0");
    }
  };
  put(0);
  visit_rice(in, count - 1, [&](std::size_t i, std::uint64_t step) {
    if (last - key < least || step > last - key - least) {
      throw DecodeError("sorted numbers: a key has too many bits");
    }
    key += step + least;
    put(i + 1);
  });
  // What lies between two finite numbers is finite.
  if (!std::isfinite(values.front()) || !std::isfinite(values.back())) {
    throw DecodeError("sorted numbers: NaN or an infinity");
  }
  return values;
}

}  // namespace lightmeter::sketch
