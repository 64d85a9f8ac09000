#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>

namespace lightmeter::headers {

// Bytes of somebody else's file that are not what they should be, or not there.
struct DamagedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where bytes are in a file.
struct Part {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  friend bool operator==(const Part&, const Part&) = default;
};

// Random access to the bytes of somebody else's file. Every read is checked, and their number and
// size are bounded, so no file makes a walk endless or an allocation large.
class Foreign {
 public:
  static constexpr std::uint64_t kMostReads = 200'000;
  static constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 20;  // of one read

  explicit Foreign(std::uint64_t size) noexcept : size_(size) {}
  Foreign(const Foreign&) = delete;
  Foreign& operator=(const Foreign&) = delete;
  virtual ~Foreign() = default;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // Exactly these bytes, or DamagedError. They live until the next read.
  [[nodiscard]] std::span<const std::uint8_t> read(std::uint64_t offset, std::uint64_t count);
  // Those of them that are there, of which there may be none. DamagedError if `offset` lies beyond
  // the end.
  [[nodiscard]] std::span<const std::uint8_t> read_up_to(std::uint64_t offset, std::uint64_t count);

 private:
  // Is asked for bytes below size() only, at most kMostBytes. DamagedError if the file shrank.
  virtual std::span<const std::uint8_t> bytes(std::uint64_t offset, std::uint64_t count) = 0;

  std::uint64_t size_;
  std::uint64_t reads_ = 0;
};

// Those in memory, which must outlive it.
class ForeignBytes : public Foreign {
 public:
  explicit ForeignBytes(std::span<const std::uint8_t> data) noexcept
      : Foreign(data.size()), data_(data) {}

 private:
  std::span<const std::uint8_t> bytes(std::uint64_t offset, std::uint64_t count) override {
    return data_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }

  std::span<const std::uint8_t> data_;
};

// A number of two or four bytes, the highest first; `bytes` has them.
[[nodiscard]] constexpr std::uint32_t big_endian(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

[[nodiscard]] constexpr bool starts_with(std::span<const std::uint8_t> bytes,
                                         std::string_view start) noexcept {
  return bytes.size() >= start.size() &&
         std::ranges::equal(bytes.first(start.size()), start, {}, {},
                            [](char c) { return static_cast<std::uint8_t>(c); });
}

}  // namespace lightmeter::headers
