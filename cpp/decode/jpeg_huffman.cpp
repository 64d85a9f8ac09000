#include "decode/jpeg_huffman.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace lightmeter::decode {

bool HuffmanTable::set(std::span<const std::uint8_t, 16> counts,
                       std::span<const std::uint8_t> symbols) noexcept {
  if (symbols.size() > symbols_.size()) return false;
  std::ranges::copy(symbols, symbols_.begin());
  codes.fill({0, 0});
  std::uint32_t code = 0;  // C.2, figure C.2
  std::uint32_t place = 0;
  for (int length = 1; length <= 16; ++length) {
    const std::uint32_t count = counts[static_cast<std::size_t>(length - 1)];
    // No code is all ones (C.2); libjpeg fails on one.
    if (count > 0 && code + count >= std::uint32_t{1} << length) return false;
    if (place + count > symbols.size()) return false;
    const auto at = static_cast<std::size_t>(length);
    place_[at] = static_cast<std::int32_t>(place) - static_cast<std::int32_t>(code);
    if (length <= kAhead) {
      const std::size_t each = std::size_t{1} << (kAhead - length);
      for (std::uint32_t i = 0; i < count; ++i) {
        std::fill_n(codes.begin() + (code + i) * each, each,
                    Code{symbols_[place + i], static_cast<std::uint8_t>(length)});
      }
    }
    code += count;
    place += count;
    end_[at] = code << (16 - length);
    code <<= 1;
  }
  return place == symbols.size();
}

// A symbol and its value at the start of `left` bits, the last of ten; 0 bits if it is not whole.
struct HuffmanTable::Part {
  int value = 0;
  int zeros = 0;
  int size = 0;
  int bits = 0;
};

HuffmanTable::Part HuffmanTable::part(std::uint32_t bits, int left) const noexcept {
  const auto [symbol, length] = codes[bits << (kAhead - left) & (kEntries - 1)];
  const int size = symbol & 15;
  if (length == 0 || length + size > left) return {};
  const std::uint32_t additional = bits >> (left - length - size) & ((1U << size) - 1);
  return {extend(additional, size), symbol >> 4, size, length + size};
}

HuffmanTable::Ahead HuffmanTable::coefficients(std::uint32_t bits) const noexcept {
  Ahead found{0, 0, 1, 1, 0, false};
  int left = kAhead;
  Part next = part(bits, left);
  if (next.size != 0) {
    found.first = static_cast<std::int16_t>(next.value);
    found.first_places = found.places = static_cast<std::uint8_t>(next.zeros + 1);
    left -= next.bits;
    next = part(bits, left);
    if (next.size != 0) {
      found.second = static_cast<std::int16_t>(next.value);
      found.places = static_cast<std::uint8_t>(found.places + next.zeros + 1);
      left -= next.bits;
      next = part(bits, left);
    }
  }
  found.ends = next.bits != 0 && next.size == 0 && next.zeros == 0;
  if (found.ends) left -= next.bits;
  found.bits = static_cast<std::uint8_t>(kAhead - left);
  if (found.bits == 0) found.places = kUnknown;
  return found;
}

void HuffmanTable::look_ahead(bool is_ac) noexcept {
  for (std::uint32_t bits = 0; bits < kEntries; ++bits) {
    if (is_ac) {
      ahead[bits] = coefficients(bits);
      continue;
    }
    const Part difference = part(bits, kAhead);
    Ahead& found = ahead[bits];
    found = {};
    found.first = static_cast<std::int16_t>(difference.value);
    found.bits = static_cast<std::uint8_t>(difference.bits);
    if (difference.bits == 0) found.places = kUnknown;
  }
}

HuffmanTable::Code HuffmanTable::find(std::uint32_t bits) const noexcept {
  for (int length = 1; length <= 16; ++length) {
    const auto at = static_cast<std::size_t>(length);
    if (bits >= end_[at]) continue;
    const std::int32_t place = place_[at] + static_cast<std::int32_t>(bits >> (16 - length));
    // Codes rise with their length, so bits below the end of a length are not below its start.
    return {symbols_[static_cast<std::size_t>(place) & 0xff], static_cast<std::uint8_t>(length)};
  }
  return {0, 0};
}

namespace {

struct Kept {
  bool is_ac = false;
  std::vector<std::uint8_t> said;  // counts and symbols
  std::shared_ptr<const HuffmanTable> table;
};

constexpr std::size_t kKept = 8;  // tables, of about 11 kB

// Whether 8-bit samples have such a symbol: DC of up to 11 additional bits (F.1.2.1); AC of up to 10
// after at most 15 zeros, an end, or 16 zeros (F.1.2.2). libjpeg fails on a few of the others even
// where no code names them.
bool has_meaning(bool is_ac, std::uint8_t symbol) noexcept {
  if (!is_ac) return symbol <= 11;
  const int size = symbol & 15;
  return size == 0 ? symbol == 0 || symbol == 0xF0 : size <= 10;
}

}  // namespace

std::shared_ptr<const HuffmanTable> huffman_table(bool is_ac,
                                                  std::span<const std::uint8_t, 16> counts,
                                                  std::span<const std::uint8_t> symbols) {
  static thread_local std::array<Kept, kKept> kept;
  static thread_local std::size_t next = 0;
  std::vector<std::uint8_t> said(counts.begin(), counts.end());
  said.insert(said.end(), symbols.begin(), symbols.end());
  for (const Kept& each : kept) {
    if (each.table != nullptr && each.is_ac == is_ac && each.said == said) return each.table;
  }
  auto table = std::make_shared<HuffmanTable>();
  if (!table->set(counts, symbols)) return nullptr;
  for (const std::uint8_t symbol : symbols) {
    if (!has_meaning(is_ac, symbol)) return nullptr;
  }
  table->look_ahead(is_ac);
  kept[next++ % kKept] = {is_ac, std::move(said), table};
  return table;
}

}  // namespace lightmeter::decode
