#include "measure/count_deep_pixels.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "error.hpp"
#include "kernels/colour.hpp"

namespace lightmeter::measure {
namespace {

constexpr std::size_t kBlock = 512;
constexpr double kWhite = kDeepBins - 1;
using Plane = std::array<std::uint16_t, kBlock>;
using DeepRows = TileRows<std::uint16_t>;

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
                        " to " + text(view.high));
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
    if (view.low == 0 && view.high == kWhite) {  // Tile::may_fail says that none is outside
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

using ToGrid = void (*)(const Pixels&, const std::uint8_t*, std::size_t, std::uint16_t*);

ToGrid to_grid_of(const Pixels& view) {
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

// Fills `planes` with pixels and calls count(n) whenever they are full, and at the end with the n
// that are left. Blocks run on across the ends of rows.
template <std::size_t kChannels, class Count>
void for_each_block(const Tile& tile, std::array<Plane, kChannels>& planes, DeepRows* rows,
                    Count&& count) {
  const Pixels& view = tile.pixels;
  const ToGrid to_grid = to_grid_of(view);
  std::size_t filled = 0;
  for (std::ptrdiff_t y = 0; y < view.height; ++y) {
    const std::uint8_t* at = view.data + y * view.row_stride;
    for_each_run(tile, y, [&](std::ptrdiff_t x, std::ptrdiff_t left) {
      while (left > 0) {
        const std::size_t n = std::min(kBlock - filled, static_cast<std::size_t>(left));
        for (std::size_t c = 0; c < kChannels; ++c) {
          to_grid(view,
                  at + x * view.pixel_stride + static_cast<std::ptrdiff_t>(c) * view.channel_stride,
                  n, &planes[c][filled]);
        }
        if (rows != nullptr) {
          rows->pixels(&planes[0][filled], &planes[kChannels / 2][filled],
                       &planes[kChannels - 1][filled], n, x, y);
        }
        x += static_cast<std::ptrdiff_t>(n);
        left -= static_cast<std::ptrdiff_t>(n);
        filled += n;
        if (filled < kBlock) continue;
        count(filled);
        filled = 0;
      }
    });
    if (rows != nullptr) rows->end_row(y);
  }
  if (filled != 0) count(filled);
}

// Gray is a colour of no hue and no saturation, whose value is the sample.
void count_deep_gray(const Tile& tile, DeepRows* rows, ImageCounts& counts) {
  std::array<Plane, 1> planes;
  Histogram& gray = counts.channel[0];
  for_each_block(tile, planes, rows, [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) ++gray[planes[0][i]];
    counts.hue[0] += n;
    counts.saturation[0] += n;
  });
  counts.value = gray;
}

// Half the size of the histograms, so that more of it stays in the cache.
class DeepTables {
 public:
  void add(const std::array<Plane, 3>& planes, std::size_t n, ImageCounts& counts) noexcept {
    if (in_tables_ + n > kMost) drain(counts);
    in_tables_ += n;
    std::array<std::uint16_t, kBlock> hue, saturation, value, chroma;
    for (std::size_t i = 0; i < n; ++i) {
      const auto hsv = kernels::deep_hsv(planes[0][i], planes[1][i], planes[2][i]);
      hue[i] = hsv.hue;
      saturation[i] = hsv.saturation;
      value[i] = hsv.value;
      chroma[i] = hsv.chroma;
    }
    for (std::size_t i = 0; i < n; ++i) {
      ++red_[planes[0][i]];
      ++green_[planes[1][i]];
      ++blue_[planes[2][i]];
      ++value_[value[i]];
      ++saturation_[saturation[i]];
      hue_[hue[i]] += kOne + chroma[i];
    }
  }

  // Moves all counts to `counts` and leaves the tables empty.
  void drain(ImageCounts& counts) noexcept {
    const auto move = [](Table& from, Histogram& to) {
      for (std::size_t i = 0; i < kDeepBins; ++i) to[i] += from[i];
    };
    move(red_, counts.channel[0]);
    move(green_, counts.channel[1]);
    move(blue_, counts.channel[2]);
    move(value_, counts.value);
    move(saturation_, counts.saturation);
    for (std::size_t i = 0; i < kDeepBins; ++i) {
      counts.hue[i] += hue_[i] / kOne;
      counts.hue_chroma[i] += hue_[i] % kOne;
    }
    clear();
  }

  void clear() noexcept {
    for (Table* table : {&red_, &green_, &blue_, &value_, &saturation_}) table->fill(0);
    hue_.fill(0);
    in_tables_ = 0;
  }

 private:
  using Table = std::array<std::uint32_t, kDeepBins>;
  // A word of hue is count * kOne + sum of chroma; neither overflows within kMost pixels.
  static constexpr std::uint64_t kOne = std::uint64_t{1} << 40;
  static constexpr std::size_t kMost = (std::size_t{1} << 24) - 1;

  Table red_{}, green_{}, blue_{}, value_{}, saturation_{};
  std::array<std::uint64_t, kDeepBins> hue_{};
  std::size_t in_tables_ = 0;
};

// Kept for the life of the thread, as fresh memory is slow; empty between calls.
DeepTables& deep_tables() {
  static thread_local const auto tables = std::make_unique<DeepTables>();
  return *tables;
}

void count_deep_colour(const Tile& tile, DeepRows* rows, ImageCounts& counts) {
  std::array<Plane, 3> planes;
  DeepTables& tables = deep_tables();
  try {
    for_each_block(tile, planes, rows, [&](std::size_t n) { tables.add(planes, n, counts); });
  } catch (const OutOfRangeError&) {
    tables.clear();
    throw;
  }
  tables.drain(counts);
}

}  // namespace

void count_deep_pixels(const kernels::Tier& tier, const Tile& tile, ImageCounts& counts,
                       RowState* state) {
  std::optional<DeepRows> rows;
  if (state != nullptr) rows.emplace(tier, tile, *state);
  const Tile part = rows ? tile : tile.as_one_row();
  DeepRows* const shown = rows ? &*rows : nullptr;
  if (tile.pixels.channels == 1) {
    count_deep_gray(part, shown, counts);
  } else {
    count_deep_colour(part, shown, counts);
  }
}

}  // namespace lightmeter::measure
