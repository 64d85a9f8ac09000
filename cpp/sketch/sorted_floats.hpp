#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

[[nodiscard]] bool fits_float(double value) noexcept;

// Rising finite numbers; `ties` says whether equal neighbours may occur. Each becomes an integer
// key of the same order, 32 bits wide if float32 holds all of them, else 64: see docs/format.md,
// "Sorted numbers". Reading rejects NaN, infinities, -0.0 and anything out of order.
void write_sorted(wire::Writer& out, std::span<const double> values, bool ties);
[[nodiscard]] std::vector<double> read_sorted(wire::Reader& in, std::size_t count, bool ties);

}  // namespace lightmeter::sketch
