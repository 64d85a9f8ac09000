#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "error.hpp"
#include "sketch/bits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

inline constexpr int kRiceEscape = 24;

// Numbers that are mostly about equally large, in about log2(mean) + 1.5 bits each (Rice code):
// u8 r, then for each value v its upper part v >> r as that many one bits and a zero, and its r
// lower bits, lowest first; a v >> r of kRiceEscape or more is kRiceEscape ones and then all 64 bits of v.
// The bits fill bytes from the lowest and the last byte is padded with zeros. Nothing at all for no
// values.
void write_rice(wire::Writer& out, std::span<const std::uint64_t> values);
[[nodiscard]] std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count);

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
    if (upper >= kRiceEscape) {
      bits.skip(kRiceEscape);
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

}  // namespace lightmeter::sketch
