#pragma once

#include <cstdint>
#include <span>

#include "sketch/quantiles.hpp"

namespace lightmeter::sketch {

// The item type of a foreign sketch; its bytes do not say.
enum class ItemType { kFloat32, kFloat64 };

// Reads the KLL bytes of Apache DataSketches (kll_floats, kll_doubles) and of whylogs, whose header
// is four bytes longer. Everything is validated; DecodeError otherwise. A sketch that holds all its
// values is taken over exactly. Of any other, the error bound is set to what DataSketches publishes
// for its k, which is a measured figure and not a proved one.
[[nodiscard]] QuantileSketch from_datasketches(std::span<const std::uint8_t> bytes, ItemType type,
                                               std::uint64_t key = 0);

}  // namespace lightmeter::sketch
