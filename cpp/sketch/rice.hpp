#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Numbers that are mostly about equally large, in about log2(mean) + 1.5 bits each (Rice code):
// u8 r, then for each value v its upper part v >> r as that many one bits and a zero, and its r
// lower bits, lowest first; a v >> r of 24 or more is 24 ones and then all 64 bits of v.
// The bits fill bytes from the lowest and the last byte is padded with zeros. Nothing at all for no
// values.
void write_rice(wire::Writer& out, std::span<const std::uint64_t> values);
[[nodiscard]] std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count);

}  // namespace lightmeter::sketch
