#include "measure/count_pixels.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "measure/count_deep_pixels.hpp"
#include "measure/tables.hpp"

namespace lightmeter::measure {
namespace {

using kernels::Kernels;

// Below this many pixels, reading out KeyTables costs more than counting in them saves.
constexpr std::ptrdiff_t kKeyTablesFrom = 55'000;

using Plane = std::array<std::uint8_t, kBlockPixels>;
struct Planes {
  alignas(64) Plane red{}, green{}, blue{};
};

// Copies n pixels of a row into the planes from `start` on.
void split(const Kernels& tier, const Pixels& view, const std::uint8_t* red, std::size_t n,
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

// Asks for the block of pixels after the next one: while a block is counted, the hardware loses
// track of the image.
void prefetch(const std::uint8_t* block, std::ptrdiff_t pixel_stride) noexcept {
  constexpr std::ptrdiff_t kLine = 64;
  const std::ptrdiff_t bytes = static_cast<std::ptrdiff_t>(kBlockPixels) * pixel_stride;
  for (std::ptrdiff_t i = 0; i < bytes; i += kLine) __builtin_prefetch(block + 2 * bytes + i);
}

// Blocks run on across the ends of rows, so narrow images cost no more than wide ones.
template <typename Tables>
void count_colour(const Kernels& tier, const Pixels& view, Tables& tables,
                  ImageCounts& counts) noexcept {
  Planes planes;
  KeyBlock keys;
  std::size_t filled = 0;
  const auto count_block = [&] {
    tier.colour_keys(planes.red.data(), planes.green.data(), planes.blue.data(), filled,
                     keys.value_min.data(), keys.chroma_x.data(), keys.middle.data());
    tables.add(keys, filled, counts);
    filled = 0;
  };
  for (std::ptrdiff_t y = 0; y < view.height; ++y) {
    const std::uint8_t* row = view.data + y * view.row_stride;
    for (std::ptrdiff_t x = 0; x < view.width;) {
      const std::size_t n =
          std::min(kBlockPixels - filled, static_cast<std::size_t>(view.width - x));
      const bool dense = view.pixel_stride >= 1 && view.pixel_stride <= 4;
      if (dense && view.width - x >= static_cast<std::ptrdiff_t>(3 * kBlockPixels)) {
        prefetch(row + x * view.pixel_stride, view.pixel_stride);
      }
      split(tier, view, row + x * view.pixel_stride, n, planes, filled);
      x += static_cast<std::ptrdiff_t>(n);
      filled += n;
      if (filled == kBlockPixels) count_block();
    }
  }
  if (filled != 0) count_block();
  tables.drain(counts);
}

// Eight tables, so that equal neighbours do not wait for each other.
void count_gray(const Pixels& view, ImageCounts& counts) noexcept {
  constexpr std::size_t kTables = 8;
  std::array<std::array<std::uint32_t, 256>, kTables> tables{};
  Histogram& gray = counts.channel[0];
  const auto drain = [&] {
    for (auto& table : tables) {
      for (std::size_t i = 0; i < 256; ++i) gray[i] += table[i];
      table = {};
    }
  };
  constexpr std::ptrdiff_t kMost = std::ptrdiff_t{1} << 31;  // no cell can overflow before
  std::ptrdiff_t in_tables = 0;
  for (std::ptrdiff_t y = 0; y < view.height; ++y) {
    for (std::ptrdiff_t x = 0; x < view.width;) {
      const std::ptrdiff_t n = std::min(kMost - in_tables, view.width - x);
      const std::uint8_t* from = view.data + y * view.row_stride + x * view.pixel_stride;
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        ++tables[static_cast<std::size_t>(i) % kTables][from[i * view.pixel_stride]];
      }
      x += n;
      in_tables += n;
      if (in_tables == kMost) {
        drain();
        in_tables = 0;
      }
    }
  }
  drain();
}

// Kept for the life of the thread, as fresh memory costs as much as a small image; empty between
// calls.
KeyTables& key_tables() {
  static thread_local const auto tables = std::make_unique<KeyTables>();
  return *tables;
}

}  // namespace

void count_pixels(const Kernels& tier, const Pixels& pixels, ImageCounts& counts) {
  Pixels view = pixels;
  if (view.row_stride == view.width * view.pixel_stride) {  // one long row
    view.width *= view.height;
    view.height = 1;
  }
  if (view.type != SampleType::kUint8) {
    count_deep_pixels(view, counts);
  } else if (view.channels == 1) {
    count_gray(view, counts);
  } else if (pixels.width * pixels.height >= kKeyTablesFrom) {
    count_colour(tier, view, key_tables(), counts);
  } else {
    ByteTables tables;
    count_colour(tier, view, tables, counts);
  }
}

}  // namespace lightmeter::measure
