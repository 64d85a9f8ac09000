#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Numbers that are mostly about equally large, in about log2(mean) + 1.5 bits each (Rice code):
// u8 r, then for each value v its upper part v >> r as that many one bits and a zero, and its r
// lower bits, lowest first; a v >> r of kEscape or more is kEscape ones and then all 64 bits of v.
// The bits fill bytes from the lowest and the last byte is padded with zeros. Nothing at all for no
// values.
void write_rice(wire::Writer& out, std::span<const std::uint64_t> values);
[[nodiscard]] std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count);

// Rising finite numbers; `ties` says whether equal neighbours may occur. Each becomes an integer
// key of the same order, 32 bits wide if float32 holds all of them, else 64. Layout:
//   u8 width flag (0x80: 32 bits) | common trailing zero bits z of the keys
//   first key >> z in as few bytes as (width - z) bits need | differences of keys >> z as Rice code
// Nothing at all for no values. Reading rejects NaN, infinities, -0.0 and anything out of order.
void write_sorted(wire::Writer& out, std::span<const double> values, bool ties);
[[nodiscard]] std::vector<double> read_sorted(wire::Reader& in, std::size_t count, bool ties);

}  // namespace lightmeter::sketch
