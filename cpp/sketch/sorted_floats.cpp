#include "sketch/sorted_floats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "error.hpp"
#include "sketch/rice.hpp"

namespace lightmeter::sketch {
namespace {

using wire::require;

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

// Integers of the same order as the numbers: negative ones have all bits flipped, the others get
// the top bit. Narrow ones are in the upper half of a key.
std::uint64_t to_key(double value, bool narrow) {
  const std::uint64_t bits =
      narrow ? std::uint64_t{std::bit_cast<std::uint32_t>(static_cast<float>(value))} << 32
             : std::bit_cast<std::uint64_t>(value);
  const std::uint64_t key = (bits & kSign) != 0 ? ~bits : bits | kSign;
  return narrow ? key >> 32 << 32 : key;
}

double from_key(std::uint64_t key, bool narrow) {
  const std::uint64_t bits = (key & kSign) != 0 ? key ^ kSign : ~key;
  return narrow ? std::bit_cast<float>(static_cast<std::uint32_t>(bits >> 32))
                : std::bit_cast<double>(bits);
}

constexpr std::uint8_t kNarrow = 0x80;

}  // namespace

bool fits_float(double value) noexcept {
  return std::abs(value) <= std::numeric_limits<float>::max() &&
         static_cast<double>(static_cast<float>(value)) == value;
}

void write_sorted(wire::Writer& out, std::span<const double> values, bool ties) {
  if (values.empty()) return;
  const bool narrow = std::ranges::all_of(values, fits_float);
  const int unused = narrow ? 32 : 0;
  std::vector<std::uint64_t> keys(values.size());
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = to_key(values[i], narrow);
    used |= keys[i];
  }
  const int zeros = std::min(std::countr_zero(used), 63);
  out.u8(static_cast<std::uint8_t>((narrow ? kNarrow : 0) | (zeros - unused)));
  const std::uint64_t first = keys[0] >> zeros;
  for (int bit = 0; bit < 64 - zeros; bit += 8) out.u8(static_cast<std::uint8_t>(first >> bit));
  const std::uint64_t least = ties ? 0 : 1;
  for (std::size_t i = keys.size() - 1; i > 0; --i) {
    keys[i] = ((keys[i] - keys[i - 1]) >> zeros) - least;
  }
  write_rice(out, std::span(keys).subspan(1));
}

std::vector<double> read_sorted(wire::Reader& in, std::size_t count, bool ties) {
  std::vector<double> values(count);
  if (count == 0) return values;
  const std::uint8_t head = in.u8();
  const bool narrow = (head & kNarrow) != 0;
  const int zeros = (head & ~kNarrow) + (narrow ? 32 : 0);
  require(zeros < 64, "sorted numbers: a key of no bits");
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max() >> zeros;
  const std::uint64_t least = ties ? 0 : 1;
  std::uint64_t key = 0;
  for (int bit = 0; bit < 64 - zeros; bit += 8) key |= std::uint64_t{in.u8()} << bit;
  require(key <= last, "sorted numbers: a key has too many bits");
  values[0] = from_key(key << zeros, narrow);
  const auto steps = read_rice(in, count - 1);
  for (std::size_t i = 1; i < count; ++i) {
    if (last - key < least || steps[i - 1] > last - key - least) {
      throw DecodeError("sorted numbers: a key has too many bits");
    }
    key += steps[i - 1] + least;
    values[i] = from_key(key << zeros, narrow);
  }
  const auto zero = std::ranges::lower_bound(values, 0.0);
  require(zero == values.end() || !std::signbit(*zero), "sorted numbers: -0.0");
  // What lies between two finite numbers is finite.
  require(std::isfinite(values.front()) && std::isfinite(values.back()),
          "sorted numbers: NaN or an infinity");
  return values;
}

}  // namespace lightmeter::sketch
