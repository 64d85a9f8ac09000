#include "measure/image_meter.hpp"

#include <algorithm>
#include <future>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "error.hpp"
#include "measure/count_pixels.hpp"
#include "measure/coverage.hpp"
#include "measure/row_state.hpp"
#include "measure/strip_checks.hpp"
#include "measure/tile_rows.hpp"

namespace lightmeter::measure {

struct ImageMeter::Rest {
  Set set;
  Frame size;  // as it was given; the height is 0 if it was not
  std::shared_ptr<const Mask> mask;
  Coverage coverage;
  std::optional<RowState> rows;  // where a metric looks at them
  ColourTables tables;           // what is not yet in the counts

  Rest(Set of, const Frame& frame, std::shared_ptr<const Mask> ignored)
      : set(of), size(frame), mask(std::move(ignored)) {}
  // A copy of one whose tables are empty.
  Rest(const Rest& other)
      : set(other.set),
        size(other.size),
        mask(other.mask),
        coverage(other.coverage),
        rows(other.rows) {}
};

namespace {

ImageCounts no_counts(const Pixels& tile) {
  return is_deep(tile) ? ImageCounts::deep(tile.channels) : ImageCounts();
}

// A thread costs some ten microseconds to start, and tables of its own to read out.
constexpr std::ptrdiff_t kMinPixelsPerThread = 1 << 18;

Tile band_of(const Tile& tile, std::ptrdiff_t first, std::ptrdiff_t last) {
  Tile band = tile;
  band.pixels.data += first * tile.pixels.row_stride;
  band.pixels.height = last - first;
  band.y += first;
  return band;
}

struct Band {
  ImageCounts counts;
  std::optional<RowState> rows;

  Band(ImageCounts so_far, Active active, const Frame& frame) : counts(std::move(so_far)) {
    if (active != 0) rows.emplace(active, frame);
  }

  void count(const Tile& tile, std::int64_t pixels, ColourTables& tables) {
    count_pixels(kernels::active(), tile, pixels, tables, counts, rows ? &*rows : nullptr);
  }
  void count(const Tile& tile) {
    ColourTables tables;
    count(tile, tile.pixels.width * tile.pixels.height, tables);
    tables.drain(kernels::active(), counts);
  }
};

Band count_band(const Tile& tile, Active active) {
  Band band(no_counts(tile.pixels), active, tile.frame);
  band.count(tile);
  return band;
}

// The calling thread counts the first band, and any band for which no thread can be started.
void count_bands(const Tile& tile, std::ptrdiff_t bands, Active active, Band& whole) {
  std::vector<std::future<Band>> others;
  const auto part = [&](std::ptrdiff_t i) {
    const std::ptrdiff_t height = tile.pixels.height;
    return band_of(tile, height * i / bands, height * (i + 1) / bands);
  };
  for (std::ptrdiff_t i = 1; i < bands; ++i) {
    try {
      others.push_back(std::async(std::launch::async, count_band, part(i), active));
    } catch (const std::system_error&) {
      others.push_back(std::async(std::launch::deferred, count_band, part(i), active));
    }
  }
  whole.count(part(0));
  for (auto& other : others) {
    const Band band = other.get();
    whole.counts.add(band.counts);
    if (whole.rows) whole.rows->add(*band.rows);
  }
}

std::uint64_t pixels_of(const Tile& tile) {
  std::int64_t pixels = 0;
  for (std::int64_t y = 0; y < tile.pixels.height; ++y) {
    for_each_run(tile, y, [&](std::int64_t, std::int64_t n) { pixels += n; });
  }
  return static_cast<std::uint64_t>(pixels);
}

// Of a gray tile that was counted: a colour of no hue and no saturation, whose value is the sample.
void complete_gray(const Tile& tile, ImageCounts& counts) {
  counts.value = counts.channel[0];
  const std::uint64_t pixels = pixels_of(tile);
  counts.hue[0] += pixels;
  counts.saturation[0] += pixels;
}

// About how many pixels of the image will be counted where the tile is: as it seems now, seven more
// tiles of its size come, but no more than the image has.
std::int64_t pixels_to_come(const Tile& tile, bool has_size, const Coverage& coverage) {
  const std::int64_t pixels = tile.pixels.width * tile.pixels.height;
  if (!has_size) return coverage.pixels() + pixels;
  return std::min(tile.frame.width * tile.frame.height, coverage.pixels() + 8 * pixels);
}

void settle(RowState& rows, const Frame& frame, const Mask* mask, bool deep) {
  const kernels::Tier& tier = kernels::active();
  if (deep) {
    rows.seams.settle(frame, mask, row_kernels<std::uint16_t>(tier), rows.active, rows.metrics);
  } else {
    rows.seams.settle(frame, mask, row_kernels<std::uint8_t>(tier), rows.active, rows.metrics);
  }
}

}  // namespace

ImageMeter::ImageMeter(Set set) : rest_(new Rest(set, {}, nullptr)) {}

ImageMeter::ImageMeter(Set set, std::int64_t width, std::int64_t height,
                       std::shared_ptr<const Mask> mask)
    : rest_(new Rest(set, {width, height}, std::move(mask))) {
  check_size(rest_->size, rest_->mask.get());
}

ImageMeter::ImageMeter(const ImageMeter& other)
    : counts_(other.counts()), rest_(new Rest(*other.rest_)) {}
ImageMeter::ImageMeter(ImageMeter&&) noexcept = default;
ImageMeter& ImageMeter::operator=(ImageMeter other) noexcept {
  counts_ = std::move(other.counts_);
  rest_ = std::move(other.rest_);
  return *this;
}
ImageMeter::~ImageMeter() = default;

ImageMeter ImageMeter::empty() const {
  ImageMeter meter(rest_->set);
  meter.rest_->size = rest_->size;
  meter.rest_->mask = rest_->mask;
  return meter;
}

Set ImageMeter::set() const noexcept { return rest_->set; }

const ImageCounts& ImageMeter::counts() const noexcept {
  if (rest_ != nullptr) rest_->tables.drain(kernels::active(), counts_);
  return counts_;
}

std::int64_t ImageMeter::rows() const noexcept { return rest_->coverage.bottom(); }

void ImageMeter::update(const Pixels& strip, int threads) { update(strip, 0, rows(), threads); }

void ImageMeter::update(const Pixels& pixels, std::int64_t x, std::int64_t y, int threads) {
  check_strip(pixels);
  check_same_image(rest_->size.height == 0 ? pixels.width : rest_->size.width, pixels.channels,
                   is_deep(pixels), counts_);
  const Coverage::Part part{x, y, pixels.width, pixels.height};
  check_place(part, rest_->size, rest_->coverage);
  const bool has_size = rest_->size.height != 0;
  const Frame frame = has_size ? rest_->size : Frame{pixels.width, 0};
  const Active active = metrics_of(rest_->set, has_size) & kRowMetrics;

  const std::ptrdiff_t bands = std::min<std::ptrdiff_t>(
      {threads, pixels.height,
       std::max<std::ptrdiff_t>(pixels.width * pixels.height / kMinPixelsPerThread, 1)});
  const Tile tile{pixels, x, y, frame, rest_->mask.get()};

  // Counted apart, because a failure leaves everything as it was. What the tables of the meter take
  // cannot be taken back, so nothing fails once they count.
  rest_->coverage.reserve(1);
  if (rest_->rows) make_room(tile, *rest_->rows);
  Band band(counts_.channels == 0 ? no_counts(pixels) : counts_, active, frame);
  if (bands > 1) {
    count_bands(tile, bands, active, band);
  } else {
    band.count(tile, pixels_to_come(tile, has_size, rest_->coverage), rest_->tables);
  }
  if (pixels.channels == 1) complete_gray(tile, band.counts);
  if (rest_->rows) {
    rest_->rows->add(*band.rows);
  } else {
    rest_->rows = std::move(band.rows);
  }
  rest_->coverage.add(part);
  counts_ = std::move(band.counts);
  counts_.width = frame.width;
  counts_.height = has_size ? frame.height : rest_->coverage.bottom();
  counts_.channels = pixels.channels;
  const bool is_whole = has_size && rest_->coverage.pixels() == frame.width * frame.height;
  if (is_whole || !rest_->tables.may_wait()) (void)counts();
  settle_if_due();
}

void ImageMeter::add(const ImageMeter& other) {
  const Rest& from = *other.rest_;
  const bool same_mask =
      rest_->mask == from.mask ||
      (rest_->mask != nullptr && from.mask != nullptr && *rest_->mask == *from.mask);
  if (rest_->set != from.set || rest_->size != from.size || !same_mask) {
    throw IncompatibleError(
        "got an ImageMeter of other metrics, another size or another mask; expected the same");
  }
  if (other.counts_.channels == 0) return;
  check_same_image(other.counts_.width, other.counts_.channels, other.counts_.is_deep(), counts_);
  for (const Coverage::Part& part : from.coverage.parts()) {
    check_place(part, rest_->size, rest_->coverage);
  }
  if (counts_.channels == 0) {
    *this = ImageMeter(other);
    return;
  }
  ImageCounts counts = counts_;
  counts.add(other.counts());
  rest_->coverage.reserve(from.coverage.parts().size());
  if (rest_->rows) rest_->rows->add(*from.rows);
  for (const Coverage::Part& part : from.coverage.parts()) rest_->coverage.add(part);
  counts_ = std::move(counts);
  if (rest_->size.height == 0) counts_.height = rest_->coverage.bottom();
  settle_if_due();
}

// Settling that fails for want of memory has changed nothing and is tried again with more.
void ImageMeter::settle_if_due() {
  if (!rest_->rows || rest_->rows->seams.is_empty()) return;
  const Frame frame{counts_.width, rest_->size.height};
  const bool is_whole = rest_->coverage.pixels() == frame.width * frame.height;
  if (!is_whole && !rest_->rows->seams.is_due()) return;
  try {
    settle(*rest_->rows, frame, rest_->mask.get(), counts_.is_deep());
  } catch (const std::bad_alloc&) {
    return;
  }
}

std::vector<Value> ImageMeter::values() const {
  const Frame frame{counts_.width, counts_.height};
  const ImageFacts image{counts(), counts_.pixels(), frame, counts_.is_deep() ? 257.0 : 1.0,
                         rest_->coverage.pixels() == frame.width * frame.height};
  const Active active = metrics_of(rest_->set, rest_->size.height != 0);
  if (rest_->rows && rest_->rows->seams.is_empty()) {
    return read(rest_->rows->metrics, rest_->set, active, image);
  }
  RowState rows = rest_->rows ? *rest_->rows : RowState(active, frame);
  settle(rows, frame, rest_->mask.get(), counts_.is_deep());
  return read(rows.metrics, rest_->set, active, image);
}

}  // namespace lightmeter::measure
