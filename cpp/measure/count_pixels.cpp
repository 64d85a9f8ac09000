#include "measure/count_pixels.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "measure/count_deep_pixels.hpp"
#include "measure/tile_rows.hpp"

namespace lightmeter::measure {
namespace {

using kernels::Tier;

// Null where no metric looks at rows.
using ByteRows = TileRows<std::uint8_t>;

// Metrics fold their sums once a run, so runs are of several blocks.
constexpr std::size_t kRoom = 4 * kBlockPixels;

struct Planes {
  using Plane = std::array<std::uint8_t, kRoom>;
  alignas(64) Plane red{}, green{}, blue{};
};

// Copies n pixels of a row into the planes from `start` on.
void split(const Tier& tier, const Pixels& view, const std::uint8_t* red, std::size_t n,
           Planes& planes, std::size_t start) noexcept {
  std::uint8_t* to[3] = {&planes.red[start], &planes.green[start], &planes.blue[start]};
  const std::ptrdiff_t step = view.channel_stride;
  if (view.pixel_stride == 1) {
    for (int channel = 0; channel < 3; ++channel) std::memcpy(to[channel], red + channel * step, n);
  } else if ((view.pixel_stride == 3 || view.pixel_stride == 4) && (step == 1 || step == -1)) {
    const auto kernel = view.pixel_stride == 3 ? tier.split_packed : tier.split_padded;
    if (step == 1) {
      kernel(red, n, to[0], to[1], to[2]);
    } else {
      kernel(red - 2, n, to[2], to[1], to[0]);
    }
  } else {
    for (int channel = 0; channel < 3; ++channel) {
      const std::uint8_t* from = red + channel * step;
      for (std::size_t i = 0; i < n; ++i) {
        to[channel][i] = from[static_cast<std::ptrdiff_t>(i) * view.pixel_stride];
      }
    }
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

// Of planes, runs from here on are counted where they are, but for their ends. Of shorter ones the
// ends are too much of all: copying whole runs is as fast.
constexpr std::ptrdiff_t kLongRun = 4 * kBlockPixels;

// Blocks run on across the ends of rows, so narrow images cost no more than wide ones.
void count_colour(const Tier& tier, const Tile& tile, ColourTables& tables, ByteRows* rows,
                  ImageCounts& counts) noexcept {
  const Pixels& view = tile.pixels;
  const bool dense = view.pixel_stride >= 1 && view.pixel_stride <= 4;
  Planes planes;
  std::size_t filled = 0;
  // With the pixels that come next, if they are to be fetched.
  const auto count_blocks = [&](const std::uint8_t* next) {
    for (std::size_t start = 0; start < filled; start += kBlockPixels) {
      const std::size_t n = std::min(kBlockPixels, filled - start);
      if (next != nullptr) prefetch(next, start / kBlockPixels, view.pixel_stride);
      tables.add(tier, &planes.red[start], &planes.green[start], &planes.blue[start], n, counts);
    }
    filled = 0;
  };
  for (std::ptrdiff_t y = 0; y < view.height; ++y) {
    const std::uint8_t* row = view.data + y * view.row_stride;
    for_each_run(tile, y, [&](std::ptrdiff_t x, std::ptrdiff_t left) {
      if (view.pixel_stride == 1 && left >= kLongRun) {
        const std::size_t n = static_cast<std::size_t>(left) / kBlockPixels * kBlockPixels;
        const std::uint8_t* const red = row + x;
        const std::uint8_t* const green = red + view.channel_stride;
        const std::uint8_t* const blue = green + view.channel_stride;
        if (rows != nullptr) rows->pixels(red, green, blue, n, x, y);
        for (std::size_t at = 0; at < n; at += kBlockPixels) {
          tables.add(tier, red + at, green + at, blue + at, kBlockPixels, counts);
        }
        x += static_cast<std::ptrdiff_t>(n);
        left -= static_cast<std::ptrdiff_t>(n);
      }
      while (left > 0) {
        const std::size_t n = std::min(kRoom - filled, static_cast<std::size_t>(left));
        const std::uint8_t* const pixels = row + x * view.pixel_stride;
        split(tier, view, pixels, n, planes, filled);
        if (rows != nullptr) {
          rows->pixels(&planes.red[filled], &planes.green[filled], &planes.blue[filled], n, x, y);
        }
        x += static_cast<std::ptrdiff_t>(n);
        left -= static_cast<std::ptrdiff_t>(n);
        filled += n;
        if (filled == kRoom) {
          count_blocks(dense ? pixels + static_cast<std::ptrdiff_t>(n) * view.pixel_stride
                             : nullptr);
        }
      }
    });
    if (rows != nullptr) rows->end_row(y);
  }
  count_blocks(nullptr);
}

// Eight tables, so that equal neighbours do not wait for each other.
class GrayTables {
 public:
  void add(const std::uint8_t* samples, std::ptrdiff_t stride, std::ptrdiff_t n,
           ImageCounts& counts) noexcept {
    while (n > 0) {
      const std::ptrdiff_t part = std::min(kMost - in_tables_, n);
      std::ptrdiff_t i = 0;
      if (stride == 1) {  // eight at a time in one load
        for (; i + kEight <= part; i += kEight) {
          std::uint64_t eight;
          std::memcpy(&eight, samples + i, sizeof eight);
          for (std::size_t k = 0; k < kTables; ++k) ++tables_[k][eight >> 8 * k & 0xff];
        }
      }
      for (; i < part; ++i) {
        ++tables_[static_cast<std::size_t>(i) % kTables][samples[i * stride]];
      }
      samples += part * stride;
      n -= part;
      in_tables_ += part;
      if (in_tables_ == kMost) drain(counts);
    }
  }

  // Gray is a colour of no hue and no saturation, whose value is the sample.
  void drain(ImageCounts& counts) noexcept {
    for (auto& table : tables_) {
      for (std::size_t i = 0; i < 256; ++i) {
        counts.channel[0][i] += table[i];
        counts.value[i] += table[i];
      }
      table = {};
    }
    counts.hue[0] += static_cast<std::uint64_t>(in_tables_);
    counts.saturation[0] += static_cast<std::uint64_t>(in_tables_);
    in_tables_ = 0;
  }

 private:
  static constexpr std::size_t kTables = 8;
  static constexpr std::ptrdiff_t kEight = 8;
  static constexpr std::ptrdiff_t kMost = std::ptrdiff_t{1} << 31;  // no cell can overflow before
  std::array<std::array<std::uint32_t, 256>, kTables> tables_{};
  std::ptrdiff_t in_tables_ = 0;
};

void count_gray(const Tile& tile, ByteRows* rows, ImageCounts& counts) {
  const Pixels& view = tile.pixels;
  GrayTables tables;
  std::vector<std::uint8_t> dense;
  if (rows != nullptr && view.pixel_stride != 1) dense.resize(static_cast<std::size_t>(view.width));
  for (std::ptrdiff_t y = 0; y < view.height; ++y) {
    const std::uint8_t* row = view.data + y * view.row_stride;
    for_each_run(tile, y, [&](std::ptrdiff_t x, std::ptrdiff_t n) {
      const std::uint8_t* samples = row + x * view.pixel_stride;
      std::ptrdiff_t stride = view.pixel_stride;
      if (rows != nullptr) {
        if (stride != 1) {
          for (std::ptrdiff_t i = 0; i < n; ++i) {
            dense[static_cast<std::size_t>(i)] = samples[i * stride];
          }
          samples = dense.data();
          stride = 1;
        }
        rows->pixels(samples, samples, samples, static_cast<std::size_t>(n), x, y);
      }
      tables.add(samples, stride, n, counts);
    });
    if (rows != nullptr) rows->end_row(y);
  }
  tables.drain(counts);
}

}  // namespace

void count_pixels(const Tier& tier, const Tile& tile, std::int64_t pixels, ColourTables& tables,
                  ImageCounts& counts, RowState* state) {
  if (tile.is_deep()) return count_deep_pixels(tier, tile, counts, state);
  std::optional<ByteRows> rows;
  if (state != nullptr) rows.emplace(tier, tile, *state);
  const Tile part = rows ? tile : tile.as_one_row();
  ByteRows* const shown = rows ? &*rows : nullptr;
  if (tile.pixels.channels == 1) {
    count_gray(part, shown, counts);
  } else {
    tables.prepare(part, pixels);
    count_colour(tier, part, tables, shown, counts);
  }
}

}  // namespace lightmeter::measure
