#include "sketch/rice.hpp"

#include <algorithm>

namespace lightmeter::sketch {
namespace {

std::uint64_t rice_bits(std::span<const std::uint64_t> values, int r) {
  std::uint64_t bits = 0;
  for (const std::uint64_t value : values) {
    const std::uint64_t upper = value >> r;
    bits += upper < kRiceEscape ? upper + 1 + static_cast<std::uint64_t>(r) : kRiceEscape + 64;
  }
  return bits;
}

// The best r is near the mean width of the values; unlike the width of their mean that is not moved
// by a few large ones.
int choose_rice(std::span<const std::uint64_t> values) {
  std::uint64_t widths = 0;
  for (const std::uint64_t value : values) {
    widths += static_cast<std::uint64_t>(std::bit_width(value));
  }
  const int middle = static_cast<int>(widths / values.size());
  int best = 0;
  std::uint64_t best_bits = std::numeric_limits<std::uint64_t>::max();
  for (int r = std::max(middle - 3, 0); r <= std::min(middle + 2, 63); ++r) {
    const std::uint64_t bits = rice_bits(values, r);
    if (bits >= best_bits) continue;
    best = r;
    best_bits = bits;
  }
  return best;
}

}  // namespace

void write_rice(wire::Writer& out, std::span<const std::uint64_t> values) {
  if (values.empty()) return;
  const int r = choose_rice(values);
  out.u8(static_cast<std::uint8_t>(r));
  BitWriter bits(out);
  for (const std::uint64_t value : values) {
    const std::uint64_t upper = value >> r;
    if (upper < kRiceEscape) {
      bits.put((std::uint64_t{1} << upper) - 1, static_cast<int>(upper) + 1);
      bits.put(value & ((std::uint64_t{1} << r) - 1), r);
    } else {
      bits.put((std::uint64_t{1} << kRiceEscape) - 1, kRiceEscape);
      bits.put(value, 64);
    }
  }
  bits.finish();
}

std::vector<std::uint64_t> read_rice(wire::Reader& in, std::size_t count) {
  std::vector<std::uint64_t> values(count);
  visit_rice(in, count, [&](std::size_t i, std::uint64_t value) { values[i] = value; });
  return values;
}

}  // namespace lightmeter::sketch
