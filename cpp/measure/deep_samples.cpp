#include "measure/deep_samples.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <string>
#include <type_traits>

#include "error.hpp"
#include "measure/image_counts.hpp"

namespace lightmeter::measure {
namespace {

constexpr double kWhite = kDeepBins - 1;

template <class T, bool kSwapped>
T load(const std::uint8_t* from) noexcept {
  std::array<std::uint8_t, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if constexpr (kSwapped) std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

[[noreturn]] void throw_out_of_range(double sample, const Pixels& view) {
  const auto text = [](double number) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return std::string(digits.data(), end);
  };
  throw OutOfRangeError("got a sample of " + text(sample) + "; expected " + text(view.low) +
                        " to " + text(view.high) + ", or give value_range=(black, white)");
}

// The integer nearest to 0 <= x < 2^51, the even one of two: adding 1.5 * 2^52 leaves no bits for
// fractions. Unlike std::nearbyint the compiler can vectorise it.
double round(double x) noexcept {
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

// Puts n samples, view.pixel_stride bytes apart, on the grid: low is 0 and high is 65535.
template <class T, bool kSwapped>
void to_grid(const Pixels& view, const std::uint8_t* from, std::size_t n, std::uint16_t* to) {
  const auto sample = [&](std::size_t i) {
    return load<T, kSwapped>(from + static_cast<std::ptrdiff_t>(i) * view.pixel_stride);
  };
  if constexpr (std::is_same_v<T, std::uint16_t>) {
    if (view.low == 0 && view.high == kWhite) {  // none is outside
      if (!kSwapped && view.pixel_stride == sizeof(T)) {
        std::memcpy(to, from, n * sizeof(T));
        return;
      }
      for (std::size_t i = 0; i < n; ++i) to[i] = sample(i);
      return;
    }
  }
  const double low = view.low, high = view.high, scale = kWhite / (high - low);
  bool inside = true;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(sample(i));
    const bool good = (x >= low) & (x <= high);
    inside &= good;
    // Rounding could take the product a step beyond white.
    const double grid = good ? std::min(round((x - low) * scale), kWhite) : 0;
    to[i] = static_cast<std::uint16_t>(static_cast<std::int32_t>(grid));
  }
  if (inside) return;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(sample(i));
    if (!(x >= low && x <= high)) throw_out_of_range(x, view);
  }
  throw OutOfRangeError("samples changed while they were measured; measure a copy of them");
}

}  // namespace

ToGrid to_grid_of(const Pixels& view) noexcept {
  const auto choose = [&]<class T>(T) {
    return view.swapped ? to_grid<T, true> : to_grid<T, false>;
  };
  switch (view.type) {
    case SampleType::kUint16:
      return choose(std::uint16_t{});
    case SampleType::kInt32:
      return choose(std::int32_t{});
    case SampleType::kFloat32:
      return choose(float{});
    default:
      return choose(double{});
  }
}

}  // namespace lightmeter::measure
