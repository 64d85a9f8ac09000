#pragma once

#include <cstdint>
#include <span>

#include "lightmeter/sketch/quantiles.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

// The bytes of a QuantileSketch.
void encode_quantiles(const QuantileSketch& sketch, wire::Writer& out);
[[nodiscard]] QuantileSketch decode_quantiles(wire::Reader& in, std::uint64_t key);

// n of an encoded sketch, which is not validated any further.
[[nodiscard]] std::uint64_t peek_n(std::span<const std::uint8_t> bytes);

}  // namespace lightmeter::sketch
