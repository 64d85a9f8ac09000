#include "measure/colour_tables.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <new>
#include <thread>

#include "kernels/cells.hpp"

namespace lightmeter::measure {
namespace {

using kernels::kPages;

// Measured: cells win where a page of them counts so many pixels that reading it out pays.
constexpr std::int64_t kPagePixels = 4500;

// What was drained, for whoever needs it next: fresh memory costs as much as counting a small image.
// There is no lock, so a process may fork at any time. More threads than there is room for count at
// once only where they wait for each other.
constinit std::array<std::atomic<ColourCells*>, 64> spare{};

std::unique_ptr<ColourCells> take_spare() noexcept {
  for (auto& slot : spare) {
    if (ColourCells* const cells = slot.exchange(nullptr))
      return std::unique_ptr<ColourCells>(cells);
  }
  return ColourCells::make();
}

void give_spare(std::unique_ptr<ColourCells> cells) noexcept {
  for (auto& slot : spare) {
    ColourCells* none = nullptr;
    if (slot.compare_exchange_strong(none, cells.get())) return (void)cells.release();
  }
}

// A picture has up to some 1400 pages of colours, noise all 4096.
constexpr std::size_t kMostPages = 2048;
// Cells that many pictures have left more pages of memory go back to the system.
constexpr std::size_t kMostPagesKept = 3072;

// How many images have full tables that wait for a tile.
constinit std::atomic<int> images_waiting{0};

// Set when the library is loaded: a fork during the first use of a function's static would leave the
// child waiting for ever.
const int kMostWaiting = std::max(4, static_cast<int>(std::thread::hardware_concurrency()));

// Of pixels here and there in a tile: in how many pages their colours are.
constexpr std::int64_t kSamples = 256;
std::int64_t pages_of_samples(const Pixels& view) noexcept {
  std::array<std::uint64_t, kPages / 64> seen{};
  std::int64_t pages = 0;
  const std::int64_t n = std::min(kSamples, view.width * view.height);
  for (std::int64_t i = 0; i < n; ++i) {
    // Rows in turn, and columns by the golden ratio, so that no pattern of a picture is in step.
    const std::int64_t y = view.height * i / n;
    const double turn = static_cast<std::uint32_t>(i) * 2'654'435'769U * 0x1p-32;
    const auto x = static_cast<std::int64_t>(static_cast<double>(view.width) * turn);
    const std::uint8_t* const red = view.data + y * view.row_stride + x * view.pixel_stride;
    const std::uint32_t cell =
        kernels::cell_of(red[0], red[view.channel_stride], red[2 * view.channel_stride]);
    std::uint64_t& word = seen[cell / kernels::kPageCells / 64];
    const std::uint64_t bit = std::uint64_t{1} << cell / kernels::kPageCells % 64;
    pages += (word & bit) == 0 ? 1 : 0;
    word |= bit;
  }
  return pages;
}

}  // namespace

void ColourTables::prepare(const Tile& tile, std::int64_t pixels) {
  if (cells_ != nullptr) return;
  if (pixels >= kPagePixels && !many_colours_) {
    const std::int64_t pages = pages_of_samples(tile.pixels);
    many_colours_ = pages > kSamples * 3 / 4;  // so many that cells are in no cache
    if (!many_colours_ && pages * kPagePixels <= pixels) {
      cells_ = take_spare();
      if (cells_ != nullptr) return;
    }
  }
  bytes_ = std::make_unique<ByteTables>();
}

void ColourTables::add(const kernels::Tier& tier, const std::uint8_t* red,
                       const std::uint8_t* green, const std::uint8_t* blue, std::size_t n,
                       ImageCounts& counts) noexcept {
  if (bytes_ != nullptr) return bytes_->add(tier, red, green, blue, n, counts);
  cells_->add(tier, red, green, blue, n, counts);
  if (cells_->pages() <= kMostPages) return;
  std::unique_ptr<ByteTables> bytes(new (std::nothrow) ByteTables);
  if (bytes == nullptr) return;  // cells still count right
  drain(tier, counts);
  bytes_ = std::move(bytes);
  many_colours_ = true;
}

bool ColourTables::may_wait() noexcept {
  if (bytes_ != nullptr) return false;
  if (waits_ || cells_ == nullptr) return true;
  if (images_waiting.fetch_add(1, std::memory_order_relaxed) < kMostWaiting) {
    waits_ = true;
    return true;
  }
  images_waiting.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void ColourTables::drain(const kernels::Tier& tier, ImageCounts& counts) noexcept {
  if (bytes_ != nullptr) bytes_->read(counts);
  bytes_.reset();
  if (cells_ != nullptr) {
    cells_->drain(tier, counts);
    if (cells_->pages_of_memory() <= kMostPagesKept) give_spare(std::move(cells_));
    cells_.reset();
  }
  stop_waiting();
}

void ColourTables::stop_waiting() noexcept {
  if (waits_) images_waiting.fetch_sub(1, std::memory_order_relaxed);
  waits_ = false;
}

}  // namespace lightmeter::measure
