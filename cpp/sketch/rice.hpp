#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Numbers that are mostly about equally large, in about log2(mean) + 1.5 bits each (Rice code):
// see docs/format.md, "Packed numbers".
void write_rice(wire::Writer& out, std::span<const std::uint64_t> values);
[[nodiscard]] std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count);

}  // namespace lightmeter::sketch
