#include <array>

#include "wire/wire.hpp"

namespace lightmeter::wire {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, reflected

// Slicing by 8: table[s][b] is the remainder of byte b followed by s zero bytes, so that eight
// bytes are folded in with eight look-ups that do not wait for each other.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < 8; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> data) noexcept {
  std::uint32_t crc = ~std::uint32_t{0};
  while (data.size() >= 8) {
    std::uint32_t next = 0;
    for (std::size_t byte = 0; byte < 8; ++byte) {
      const std::uint32_t old = byte < 4 ? crc >> (8 * byte) : 0;
      next ^= kTables[7 - byte][(old ^ data[byte]) & 0xFF];
    }
    crc = next;
    data = data.subspan(8);
  }
  for (const std::uint8_t byte : data) crc = (crc >> 8) ^ kTables[0][(crc ^ byte) & 0xFF];
  return ~crc;
}

}  // namespace lightmeter::wire
