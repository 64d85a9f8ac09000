#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lightmeter::wire {

// Appends to a byte vector. Every number is little-endian by construction (shifts, never a memcpy
// of a native integer), so the bytes are the same on every machine.
class Writer {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void f32(float value) { fixed(std::bit_cast<std::uint32_t>(value)); }
  void f64(double value) { fixed(std::bit_cast<std::uint64_t>(value)); }

  // LEB128: 7 bits a byte, lowest first, 1 to 10 bytes.
  void varint(std::uint64_t value);
  // Signed numbers near zero in few bytes: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
  void zigzag(std::int64_t value);
  void bytes(std::span<const std::uint8_t> data);
  // varint length, then the bytes, which must be UTF-8.
  void string(std::string_view text);

  // A part of a file: its name, its bytes, and a checksum of both. See docs/format.md.
  void section(std::string_view name, std::span<const std::uint8_t> body);

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::span<const std::uint8_t> view() const noexcept { return bytes_; }
  [[nodiscard]] std::vector<std::uint8_t> take() && noexcept { return std::move(bytes_); }

 private:
  template <std::unsigned_integral T>
  void fixed(T value) {
    for (std::size_t byte = 0; byte < sizeof(T); ++byte) {
      bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * byte)));
    }
  }

  std::vector<std::uint8_t> bytes_;
};

struct Section;

// Reads what Writer wrote. Every read is checked against the end and throws DecodeError; the bytes
// must outlive the reader and all it hands out.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> data) noexcept : data_(data) {}

  [[nodiscard]] std::uint8_t u8() { return fixed<std::uint8_t>(); }
  [[nodiscard]] std::uint32_t u32() { return fixed<std::uint32_t>(); }
  [[nodiscard]] std::uint64_t u64() { return fixed<std::uint64_t>(); }
  [[nodiscard]] float f32() { return std::bit_cast<float>(u32()); }
  [[nodiscard]] double f64() { return std::bit_cast<double>(u64()); }

  // Rejects a number above 64 bits and one that is longer than it needs to be, so that equal states
  // have equal bytes.
  [[nodiscard]] std::uint64_t varint();
  [[nodiscard]] std::int64_t zigzag();
  [[nodiscard]] std::span<const std::uint8_t> bytes(std::uint64_t count);
  // Throws unless it is well-formed UTF-8.
  [[nodiscard]] std::string_view string();
  // Throws if the checksum is not that of the section, and for a name that is no short word.
  [[nodiscard]] Section section();

  // A varint that counts things of which each takes at least `bits_each` bits of what follows.
  // A count that the rest cannot hold throws, so the caller may reserve room for it: memory stays
  // within a small multiple of the input.
  [[nodiscard]] std::uint64_t count(std::uint64_t bits_each);

  [[nodiscard]] std::size_t remaining() const noexcept { return data_.size(); }
  // Throws unless everything was read.
  void expect_end() const;

 private:
  void need(std::uint64_t count) const;

  template <std::unsigned_integral T>
  T fixed() {
    need(sizeof(T));
    T value = 0;
    for (std::size_t byte = 0; byte < sizeof(T); ++byte) {
      value = static_cast<T>(value | (static_cast<T>(data_[byte]) << (8 * byte)));
    }
    data_ = data_.subspan(sizeof(T));
    return value;
  }

  std::span<const std::uint8_t> data_;
};

struct Section {
  std::string_view name;  // 1 to 32 of a to z
  Reader body;
};

// Throws a DecodeError that says `what` is wrong with the bytes unless `holds`.
void require(bool holds, const char* what);

// Whether two states are encoded alike, which is what equality of sketches means.
template <class State>
[[nodiscard]] bool same_bytes(const State& a, const State& b) {
  Writer left;
  Writer right;
  a.encode(left);
  b.encode(right);
  return std::ranges::equal(left.view(), right.view());
}

// CRC-32C (Castagnoli polynomial, reflected, initial and final complement): of "123456789" it is
// 0xE3069283.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::uint8_t> data) noexcept;

}  // namespace lightmeter::wire
