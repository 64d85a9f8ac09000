#include "decode/jpeg_scan.hpp"

#include "decode/jpeg_dct.hpp"

namespace lightmeter::decode {
namespace {

constexpr std::uint8_t kRestart = 0xD0, kEnd = 0xD9;

// The first ten of a zigzag are in the first four columns and rows.
constexpr std::size_t kLastLow = 9;

// The place of each coefficient in its block: figure A.6, column by column.
constexpr std::array<std::uint8_t, 64> kZigzag = {
    0,  8,  1,  2,  9,  16, 24, 17, 10, 3,  4,  11, 18, 25, 32, 40,  //
    33, 26, 19, 12, 5,  6,  13, 20, 27, 34, 41, 48, 56, 49, 42, 35,  //
    28, 21, 14, 7,  15, 22, 29, 36, 43, 50, 57, 58, 51, 44, 37, 30,  //
    23, 31, 38, 45, 52, 59, 60, 53, 46, 39, 47, 54, 61, 62, 55, 63};

enum class Step { kMore, kLast, kDamage };

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
  if (file_.restart_interval == 0) return true;
  if (in_interval_ == file_.restart_interval) {
    if (!bits_.end_segment(static_cast<std::uint8_t>(kRestart + restarts_ % 8))) return false;
    ++restarts_;
    in_interval_ = 0;
    dc_ = {};
  }
  ++in_interval_;
  return true;
}

bool JpegScan::read(std::size_t component, JpegBlock& block) noexcept {
  const JpegFile::Tables& tables = file_.tables[component];
  const auto& divisors = file_.quantisation[file_.frame.components[component].table];
  BitReader bits = bits_;
  block.values.fill(0);

  bits.refill();
  const HuffmanTable& dc = *file_.dc[tables.dc];
  const HuffmanTable::Ahead& difference = dc.ahead[bits.peek(HuffmanTable::kAhead)];
  if (difference.places != HuffmanTable::kUnknown) [[likely]] {
    bits.skip(difference.bits);
    dc_[component] += difference.first;
  } else {
    const HuffmanTable::Code code = next_code(bits, dc);
    if (code.bits == 0) return false;
    bits.skip(code.bits);
    if (code.symbol != 0) dc_[component] += next_value(bits, code.symbol);
  }
  if (dc_[component] < -kMostValue || dc_[component] > kMostValue) return false;
  const int dc_value = dc_[component] * divisors[0];
  block.values[0] = static_cast<std::int16_t>(dc_value);

  const HuffmanTable& ac = *file_.ac[tables.ac];
  std::int64_t energy = 0;
  std::size_t last = 0;
  const auto put = [&](int coefficient, std::size_t place) {
    const int value = coefficient * divisors[place];
    energy += std::int64_t{value} * value;
    block.values[kZigzag[place]] = static_cast<std::int16_t>(value);
  };
  // The next coefficients.
  const auto read_next = [&]() -> Step {
    const HuffmanTable::Ahead& ahead = ac.ahead[bits.peek(HuffmanTable::kAhead)];
    // After the last coefficient no end follows, and what is ahead may be of the next block.
    if (last + ahead.places < 63) [[likely]] {
      bits.skip(ahead.bits);
      const std::size_t first = last + ahead.first_places;
      last += ahead.places;
      put(ahead.second, last);  // a 0 at the place of the first, if there is no second
      put(ahead.first, first);
      return ahead.ends ? Step::kLast : Step::kMore;
    }
    const HuffmanTable::Code code = next_code(bits, ac);
    if (code.bits == 0) return Step::kDamage;
    bits.skip(code.bits);
    if (code.symbol == 0) return Step::kLast;
    last += (code.symbol >> 4) + 1U;
    if (last > 63) return Step::kDamage;
    if (const int size = code.symbol & 15; size != 0) put(next_value(bits, size), last);
    return last < 63 ? Step::kMore : Step::kLast;
  };
  Step step = Step::kMore;
  while (step == Step::kMore) {
    bits.refill();
    step = read_next();
    if (step == Step::kMore) step = read_next();
  }
  if (step == Step::kDamage) return false;
  bits_ = bits;
  block.is_low = last <= kLastLow;
  return is_exact(dc_value, energy, block.values);
}

bool JpegScan::end() noexcept { return bits_.end_segment(kEnd); }

}  // namespace lightmeter::decode
