#pragma once

#include <cstdint>
#include <span>

namespace lightmeter::sketch {

// n of an encoded QuantileSketch, which is not validated any further.
[[nodiscard]] std::uint64_t peek_n(std::span<const std::uint8_t> bytes);

}  // namespace lightmeter::sketch
