#include "decode/jpeg_scan.hpp"

#include "decode/jpeg_dct.hpp"

namespace lightmeter::decode {
namespace {

constexpr std::uint8_t kRestart = 0xD0, kEnd = 0xD9;
// Of 8-bit samples (F.1.2.1 and F.1.2.2).
constexpr int kMostDcBits = 11, kMostAcBits = 10;

// The first ten of a zigzag are in the first four columns and rows.
constexpr std::size_t kLastLow = 9;

// The place of each coefficient in its block (figure A.6).
constexpr std::array<std::uint8_t, 64> kZigzag = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,   //
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,  //
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,  //
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

HuffmanTable::Code next_code(const BitReader& bits, const HuffmanTable& table) noexcept {
  const HuffmanTable::Code code = table.codes[bits.peek(HuffmanTable::kAhead)];
  return code.bits != 0 ? code : table.find(bits.peek(16));
}

// The next `size` additional bits, of those that are ready.
int next_value(BitReader& bits, int size) noexcept {
  const int value = extend(bits.peek(size), size);
  bits.skip(size);
  return value;
}

}  // namespace

bool JpegScan::start_mcu() noexcept {
  if (frame_.restart_interval == 0) return true;
  if (in_interval_ == frame_.restart_interval) {
    if (!bits_.end_segment(static_cast<std::uint8_t>(kRestart + restarts_ % 8))) return false;
    ++restarts_;
    in_interval_ = 0;
    dc_ = {};
  }
  ++in_interval_;
  return true;
}

bool JpegScan::read(std::size_t component, JpegBlock& block) noexcept {
  const JpegComponent& tables = frame_.components[component];
  const auto& divisors = frame_.quantisation[tables.quantisation];
  BitReader bits = bits_;
  block.values.fill(0);

  bits.refill();
  const HuffmanTable::Code dc = next_code(bits, frame_.dc[tables.dc]);
  if (dc.bits == 0 || dc.symbol > kMostDcBits) return false;
  bits.skip(dc.bits);
  if (dc.symbol != 0) dc_[component] += next_value(bits, dc.symbol);
  if (dc_[component] < -kMostValue || dc_[component] > kMostValue) return false;
  const int first = dc_[component] * divisors[0];
  block.values[0] = static_cast<std::int16_t>(first);

  const HuffmanTable& ac = frame_.ac[tables.ac];
  std::int64_t energy = 0;
  std::size_t last = 0;
  while (last < 63) {
    bits.refill();
    const auto whole = ac.coefficients[bits.peek(HuffmanTable::kAhead)];
    int value = whole.value;
    if (value != 0) {
      bits.skip(whole.bits);
      last += whole.places;
    } else {
      const HuffmanTable::Code code = next_code(bits, ac);
      if (code.bits == 0) return false;
      bits.skip(code.bits);
      if (code.symbol == 0) break;  // the end of the block
      const int size = code.symbol & 15;
      if (size > kMostAcBits) return false;
      last += (code.symbol >> 4) + 1U;
      if (size != 0) {
        value = next_value(bits, size);
      } else if (code.symbol != 0xF0) {  // 16 zeros
        return false;
      }
    }
    if (last > 63) return false;
    value *= divisors[last];
    energy += std::int64_t{value} * value;
    block.values[kZigzag[last]] = static_cast<std::int16_t>(value);
  }
  bits_ = bits;
  block.is_low = last <= kLastLow;
  return is_exact(first, energy, block.values);
}

bool JpegScan::end() noexcept { return bits_.end_segment(kEnd); }

}  // namespace lightmeter::decode
