#include "measure/count_pixels.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "kernels/colour.hpp"
#include "measure/deep_samples.hpp"
#include "measure/tile_rows.hpp"

namespace lightmeter::measure {
namespace {

using kernels::Tier;

// Metrics fold their sums once a run, so runs are of several blocks.
constexpr std::size_t kRoom = 4 * kBlockPixels;

// Where n pixels go: a plane for each channel.
template <class S>
using Planes = std::array<S*, 3>;

void read(const Tier& tier, const Pixels& view, const std::uint8_t* pixels, std::size_t n,
          const Planes<std::uint8_t>& to) noexcept {
  const std::ptrdiff_t stride = view.pixel_stride, step = view.channel_stride;
  if (view.channels == 3 && (stride == 3 || stride == 4) && (step == 1 || step == -1)) {
    const auto split = stride == 3 ? tier.split_packed : tier.split_padded;
    if (step == 1) {
      split(pixels, n, to[0], to[1], to[2]);
    } else {
      split(pixels - 2, n, to[2], to[1], to[0]);
    }
    return;
  }
  for (int channel = 0; channel < view.channels; ++channel) {
    const std::uint8_t* const from = pixels + channel * step;
    std::uint8_t* const plane = to[static_cast<std::size_t>(channel)];
    if (stride == 1) {
      std::memcpy(plane, from, n);
    } else {
      for (std::size_t i = 0; i < n; ++i) plane[i] = from[static_cast<std::ptrdiff_t>(i) * stride];
    }
  }
}

void read(const ToGrid& to_grid, const Pixels& view, const std::uint8_t* pixels, std::size_t n,
          const Planes<std::uint16_t>& to) {
  for (int channel = 0; channel < view.channels; ++channel) {
    to_grid(view, pixels + channel * view.channel_stride, n, to[static_cast<std::size_t>(channel)]);
  }
}

// Asks for a block of pixels that comes later: while a block is counted, the hardware loses track of
// the image.
void prefetch(const std::uint8_t* pixels, std::size_t block, std::ptrdiff_t pixel_stride) noexcept {
  constexpr std::ptrdiff_t kLine = 64;
  const std::ptrdiff_t bytes = static_cast<std::ptrdiff_t>(kBlockPixels) * pixel_stride;
  const std::uint8_t* const first = pixels + static_cast<std::ptrdiff_t>(block) * bytes;
  for (std::ptrdiff_t i = 0; i < bytes; i += kLine) __builtin_prefetch(first + i);
}

// Shows a tile to the metrics and calls count(red, green, blue, n) for all of its pixels in blocks,
// which have room for kBlockPixels. They run on across the ends of rows, so narrow images cost no
// more than wide ones. The samples are read by `reader`. Of gray all channels are the same.
template <class S, class Reader, class Count>
void for_each_block(const Tier& tier, const Tile& tile, RowState& state, const Reader& reader,
                    Count&& count) {
  std::optional<TileRows<S>> rows;
  if (state.active != 0) rows.emplace(tier, tile, state);
  const Pixels& view = tile.pixels;
  const bool gray = view.channels == 1, dense = view.pixel_stride >= 1 && view.pixel_stride <= 4;
  // Bytes of long runs in planes are counted where they are, but for what is no whole block. Of
  // shorter ones that is too much of all: copying whole runs is as fast.
  const bool in_place = sizeof(S) == 1 && view.pixel_stride == 1;
  const std::ptrdiff_t least = gray ? 1 : kRoom, step = gray ? 1 : kBlockPixels;
  alignas(64) std::array<std::array<S, kRoom>, 3> planes{};
  const auto from = [&](std::size_t start) {
    return Planes<S>{&planes[0][start], &planes[gray ? 0 : 1][start], &planes[gray ? 0 : 2][start]};
  };
  std::size_t filled = 0;
  // With the pixels that come next, if they are to be fetched.
  const auto count_blocks = [&](const std::uint8_t* next) {
    for (std::size_t start = 0; start < filled; start += kBlockPixels) {
      if (next != nullptr) prefetch(next, start / kBlockPixels, view.pixel_stride);
      const auto [red, green, blue] = from(start);
      count(red, green, blue, std::min(kBlockPixels, filled - start));
    }
    filled = 0;
  };
  for (std::ptrdiff_t y = 0; y < view.height; ++y) {
    const std::uint8_t* const row = view.data + y * view.row_stride;
    for_each_run(tile, y, [&](std::ptrdiff_t x, std::ptrdiff_t length) {
      const std::ptrdiff_t end = x + length;
      if (in_place && length >= least) {
        const auto n = static_cast<std::size_t>(length / step * step);
        const std::ptrdiff_t plane = gray ? 0 : view.channel_stride;
        const auto* const red = reinterpret_cast<const S*>(row + x);
        if (rows) rows->pixels(red, red + plane, red + 2 * plane, n, x, y);
        const std::size_t block = gray ? std::size_t{1} << 20 : kBlockPixels;
        for (std::size_t start = 0; start < n; start += block) {
          const S* const first = red + start;
          count(first, first + plane, first + 2 * plane, std::min(block, n - start));
        }
        x += static_cast<std::ptrdiff_t>(n);
      }
      while (x < end) {
        const std::size_t n = std::min(kRoom - filled, static_cast<std::size_t>(end - x));
        const std::uint8_t* const pixels = row + x * view.pixel_stride;
        const Planes<S> to = from(filled);
        read(reader, view, pixels, n, to);
        if (rows) rows->pixels(to[0], to[1], to[2], n, x, y);
        x += static_cast<std::ptrdiff_t>(n);
        filled += n;
        if (filled == kRoom) count_blocks(dense ? row + x * view.pixel_stride : nullptr);
      }
    });
    if (rows) rows->end_row(y);
  }
  count_blocks(nullptr);
}

// Gray is a colour of no hue and no saturation, whose value is the sample.
void add_gray(std::uint64_t n, std::size_t sample, ImageCounts& counts) noexcept {
  counts.channel[0][sample] += n;
  counts.value[sample] += n;
  counts.hue[0] += n;
  counts.saturation[0] += n;
}

// Eight tables, so that equal neighbours do not wait for each other.
using GrayTables = std::array<std::array<std::uint32_t, kBins>, 8>;

void add(GrayTables& tables, const std::uint8_t* gray, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + tables.size() <= n; i += tables.size()) {  // eight at a time in one load
    std::uint64_t eight;
    std::memcpy(&eight, gray + i, sizeof eight);
    std::array<std::size_t, 8> samples;
    for (std::size_t k = 0; k < 8; ++k) samples[k] = eight >> 8 * k & 0xff;
    for (std::size_t k = 0; k < 8; ++k) ++tables[k][samples[k]];
  }
  for (; i < n; ++i) ++tables[0][gray[i]];
}

void count_gray(const Tier& tier, const Tile& tile, RowState& state, ImageCounts& counts) {
  alignas(64) GrayTables tables{};
  std::size_t in_tables = 0;
  const auto drain = [&] {
    for (auto& table : tables) {
      for (std::size_t i = 0; i < kBins; ++i) add_gray(table[i], i, counts);
      table = {};
    }
    in_tables = 0;
  };
  const auto count = [&](const std::uint8_t* gray, const auto*, const auto*, std::size_t n) {
    if (in_tables + n > UINT32_MAX) drain();
    in_tables += n;
    add(tables, gray, n);
  };
  for_each_block<std::uint8_t>(tier, tile, state, tier, count);
  drain();
}

void count_deep_gray(const Tier& tier, const Tile& tile, RowState& state, const ToGrid& to_grid,
                     ImageCounts& counts) {
  Histogram bins(kDeepBins);
  const auto count = [&](const std::uint16_t* gray, const auto*, const auto*, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) ++bins[gray[i]];
  };
  for_each_block<std::uint16_t>(tier, tile, state, to_grid, count);
  for (std::size_t i = 0; i < kDeepBins; ++i) add_gray(bins[i], i, counts);
}

void count_deep_colour(const Tier& tier, const Tile& tile, RowState& state, const ToGrid& to_grid,
                       ImageCounts& counts) {
  ImageCounts bins = ImageCounts::deep(3);  // added only once no sample was out of range
  // Side by side pixels and their chroma, and pointers of its own: both are quicker.
  std::vector<std::array<std::uint64_t, 2>> hue_bins(kDeepBins);
  const auto count = [reds = bins.channel[0].data(), greens = bins.channel[1].data(),
                      blues = bins.channel[2].data(), values = bins.value.data(),
                      saturations = bins.saturation.data(),
                      hues = hue_bins.data()](const std::uint16_t* red, const std::uint16_t* green,
                                              const std::uint16_t* blue, std::size_t n) {
    std::array<kernels::DeepHsv, kBlockPixels> hsv;
    for (std::size_t i = 0; i < n; ++i) hsv[i] = kernels::deep_hsv(red[i], green[i], blue[i]);
    for (std::size_t i = 0; i < n; ++i) {
      ++reds[red[i]];
      ++greens[green[i]];
      ++blues[blue[i]];
      ++values[hsv[i].value];
      ++saturations[hsv[i].saturation];
      ++hues[hsv[i].hue][0];
      hues[hsv[i].hue][1] += hsv[i].chroma;
    }
  };
  for_each_block<std::uint16_t>(tier, tile, state, to_grid, count);
  for (std::size_t i = 0; i < kDeepBins; ++i) {
    bins.hue[i] = hue_bins[i][0];
    bins.hue_chroma[i] = hue_bins[i][1];
  }
  counts.add(bins);
}

}  // namespace

void count_pixels(const Tier& tier, const Tile& tile, std::int64_t pixels, ColourTables& tables,
                  ImageCounts& counts, RowState& state) {
  const bool gray = tile.pixels.channels == 1;
  if (tile.is_deep()) {
    const ToGrid to_grid = to_grid_of(tile.pixels);
    if (gray) return count_deep_gray(tier, tile, state, to_grid, counts);
    return count_deep_colour(tier, tile, state, to_grid, counts);
  }
  if (gray) return count_gray(tier, tile, state, counts);
  tables.prepare(tile, pixels);
  for_each_block<std::uint8_t>(
      tier, tile, state, tier,
      [&](const auto* red, const auto* green, const auto* blue, std::size_t n) {
        tables.add(tier, red, green, blue, n, counts);
      });
}

}  // namespace lightmeter::measure
