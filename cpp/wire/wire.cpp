#include "wire/wire.hpp"

#include "error.hpp"
#include "wire/text.hpp"

namespace lightmeter::wire {

void Writer::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<std::uint8_t>(value));
}

void Writer::zigzag(std::int64_t value) {
  const auto sign = static_cast<std::uint64_t>(value >> 63);
  varint((static_cast<std::uint64_t>(value) << 1) ^ sign);
}

void Writer::bytes(std::span<const std::uint8_t> data) {
  bytes_.insert(bytes_.end(), data.begin(), data.end());
}

void Writer::string(std::string_view text) {
  varint(text.size());
  bytes_.insert(bytes_.end(), text.begin(), text.end());
}

void Writer::section(std::string_view name, std::span<const std::uint8_t> body) {
  const std::size_t start = size();
  string(name);
  varint(body.size());
  bytes(body);
  u32(crc32c(view().subspan(start)));
}

void Reader::need(std::uint64_t count) const {
  require(count <= data_.size(), "the data ends early; the file is truncated or damaged");
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    const std::uint64_t bits = byte & 0x7F;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if (byte < 0x80) {
      require(bits != 0 || shift == 0, "a number is padded with zero bytes");
      return value;
    }
  }
  throw DecodeError("a number has more than 64 bits; the data is damaged");
}

std::int64_t Reader::zigzag() {
  const std::uint64_t value = varint();
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

std::span<const std::uint8_t> Reader::bytes(std::uint64_t count) {
  need(count);
  const auto result = data_.first(static_cast<std::size_t>(count));
  data_ = data_.subspan(static_cast<std::size_t>(count));
  return result;
}

std::string_view Reader::string() {
  const auto data = bytes(varint());
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  require(is_utf8(text), "a name or value is not UTF-8 text; the data is damaged");
  return text;
}

Section Reader::section() {
  const auto data = data_;
  const std::string_view name = string();
  const auto body = bytes(varint());
  const auto summed = data.first(data.size() - data_.size());
  require(u32() == crc32c(summed), "a section is damaged: its checksum does not match");
  const bool is_word = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == name.npos;
  require(is_word && !name.empty() && name.size() <= 32, "a section has no word for a name");
  return {name, Reader(body)};
}

std::uint64_t Reader::count(std::uint64_t bits_each) {
  const std::uint64_t count = varint();
  const std::uint64_t bits = std::uint64_t{data_.size()} * 8;
  require(count <= bits / bits_each, "a count is too high for the bytes that follow");
  return count;
}

void Reader::expect_end() const {
  require(data_.empty(), "bytes are left over; the data is damaged");
}

void require(bool holds, const char* what) {
  if (!holds) throw DecodeError(what);
}

}  // namespace lightmeter::wire
