#include "measure/image_meter.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "error.hpp"
#include "measure/count_pixels.hpp"
#include "measure/coverage.hpp"

namespace lightmeter::measure {

struct ImageMeter::State {
  Set set;
  Frame size;  // as it was given; the height is 0 if it was not
  std::shared_ptr<const Mask> mask;
  ImageCounts counts = {};  // but for what waits in the tables
  Coverage coverage = {};
  RowState rows = {};
  ColourTables tables = {};

  [[nodiscard]] bool has_size() const noexcept { return size.height != 0; }
  // Whether all pixels came of an image whose size is known.
  [[nodiscard]] bool is_whole() const noexcept {
    return has_size() && coverage.pixels() == size.width * size.height;
  }
  // Of pixels in an area of an image of this frame.
  [[nodiscard]] RowState no_rows(const Frame& frame, const Area& area) const {
    return RowState(metrics_of(set, has_size()) & kRowMetrics, frame, area);
  }

  // Settling that fails for want of memory has changed nothing and is tried again with more.
  void settle_if_due() {
    if (rows.seams.is_empty() || !(is_whole() || rows.seams.is_due())) return;
    try {
      rows.settle({counts.width, size.height}, mask.get(), counts.is_deep());
    } catch (const std::bad_alloc&) {
      return;
    }
  }
};

namespace {

// A thread costs some ten microseconds to start, and has tables of its own to read out.
constexpr std::ptrdiff_t kMinPixelsPerThread = 1 << 18;

// The calling thread measures the first band, and any band for which no thread can be started.
ImageMeter measured_in_bands(const ImageMeter& none, const Tile& tile, std::ptrdiff_t bands) {
  const auto measure = [&](std::ptrdiff_t i) {
    const std::ptrdiff_t first = tile.pixels.height * i / bands;
    Pixels band = tile.pixels;
    band.data += first * band.row_stride;
    band.height = tile.pixels.height * (i + 1) / bands - first;
    ImageMeter meter = none.empty();
    meter.update(band, tile.x, tile.y + first);
    (void)meter.counts();  // read out in this thread
    return meter;
  };
  std::vector<std::future<ImageMeter>> others;
  for (std::ptrdiff_t i = 1; i < bands; ++i) {
    try {
      others.push_back(std::async(std::launch::async, measure, i));
    } catch (const std::system_error&) {
      others.push_back(std::async(std::launch::deferred, measure, i));
    }
  }
  ImageMeter whole = measure(0);
  for (auto& other : others) {
    ImageMeter band = other.get();
    whole.add(band);
  }
  return whole;
}

// About how many pixels of the image will be counted where the tile is: as it seems now, seven more
// tiles of its size come, but no more than the image has.
std::int64_t pixels_to_come(const Tile& tile, std::int64_t counted) {
  const std::int64_t pixels = tile.area().pixels();
  if (tile.frame.height == 0) return counted + pixels;
  return std::min(tile.frame.width * tile.frame.height, counted + 8 * pixels);
}

std::string text_of(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

void check_strip(const Pixels& strip) {
  if (strip.channels != 1 && strip.channels != 3) {
    throw std::invalid_argument("got pixels with " + std::to_string(strip.channels) +
                                " channels; expected 1 (gray) or 3 (red, green, blue)");
  }
  if (strip.data == nullptr || strip.width <= 0 || strip.height <= 0) {
    throw std::invalid_argument("got an image of " + text_of(strip.width, strip.height) +
                                " pixels; expected at least one pixel");
  }
  if (strip.type != SampleType::kUint8 &&
      !(std::isfinite(strip.high - strip.low) && strip.low < strip.high)) {
    throw std::invalid_argument("got samples from " + std::to_string(strip.low) + " to " +
                                std::to_string(strip.high) + "; expected a range of numbers");
  }
}

void check_same_image(std::int64_t width, int channels, bool deep, const ImageCounts& counts) {
  if (counts.channels == 0 ||
      (channels == counts.channels && width == counts.width && deep == counts.is_deep())) {
    return;
  }
  const auto kind = [](std::int64_t pixels_wide, int colours, bool is_deep) {
    return std::to_string(pixels_wide) + " pixels wide with " + std::to_string(colours) +
           (is_deep ? " channels of more than 8 bits" : " channels of 8 bits");
  };
  throw IncompatibleError("got a strip " + kind(width, channels, deep) + " after strips " +
                          kind(counts.width, counts.channels, counts.is_deep()) +
                          "; the strips of one image have the same width, channels and depth");
}

void check_size(const Frame& size, const Mask* mask) {
  const std::string got = text_of(size.width, size.height);
  if (size.width <= 0 || size.height <= 0 || size.height > kMaxPixels / size.width) {
    throw std::invalid_argument("got an image of " + got +
                                " pixels; expected at least one pixel and fewer than 2^47");
  }
  if (mask != nullptr && (mask->width() != size.width || mask->height() != size.height)) {
    throw std::invalid_argument("got a mask of " + text_of(mask->width(), mask->height()) +
                                " pixels for an image of " + got + "; expected the same size");
  }
}

// Whether an area lies in an image of this size, whose height is 0 if it is not known, and on none
// that was measured.
void check_place(const Area& part, const Frame& size, const Coverage& measured) {
  const std::string got = "got a tile of " + text_of(part.width, part.height) + " pixels at (" +
                          std::to_string(part.x) + ", " + std::to_string(part.y) + ")";
  if (size.height == 0) {
    if (part.x != 0)
      throw std::invalid_argument(got + " of an image of unknown size; say its size");
    if (part.y < 0) throw std::invalid_argument(got + "; expected one from row 0 on");
    if (part.height > kMaxPixels / part.width - part.y) {
      throw std::invalid_argument(got + "; an image has fewer than 2^47 pixels");
    }
  } else if (part.x < 0 || part.y < 0 || part.x > size.width - part.width ||
             part.y > size.height - part.height) {
    throw IncompatibleError(got + "; expected one within the image of " +
                            text_of(size.width, size.height));
  }
  if (measured.overlaps(part)) {
    throw IncompatibleError(got +
                            ", of which a part was measured before; expected every pixel "
                            "once");
  }
}

}  // namespace

ImageMeter::ImageMeter(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

ImageMeter::ImageMeter(Set set) : state_(new State{set, {}, nullptr}) {}

ImageMeter::ImageMeter(Set set, std::int64_t width, std::int64_t height,
                       std::shared_ptr<const Mask> mask)
    : state_(new State{set, {width, height}, std::move(mask)}) {
  check_size(state_->size, state_->mask.get());
}

ImageMeter::ImageMeter(ImageMeter&&) noexcept = default;
ImageMeter& ImageMeter::operator=(ImageMeter&&) noexcept = default;
ImageMeter::~ImageMeter() = default;

ImageMeter ImageMeter::copy() {
  ImageMeter meter = empty();
  meter.state_->counts = counts();
  meter.state_->coverage = state_->coverage;
  meter.state_->rows = state_->rows;
  return meter;
}

ImageMeter ImageMeter::empty() const {
  return ImageMeter(std::unique_ptr<State>(new State{state_->set, state_->size, state_->mask}));
}

Set ImageMeter::set() const noexcept { return state_->set; }

const ImageCounts& ImageMeter::counts() noexcept {
  state_->tables.drain(kernels::active(), state_->counts);
  return state_->counts;
}

std::int64_t ImageMeter::rows() const noexcept { return state_->coverage.bottom(); }

void ImageMeter::update(const Pixels& strip, int threads) { update(strip, 0, rows(), threads); }

void ImageMeter::update(const Pixels& pixels, std::int64_t x, std::int64_t y, int threads) {
  State& state = *state_;
  check_strip(pixels);
  const Frame frame = state.has_size() ? state.size : Frame{pixels.width, 0};
  const Tile tile{pixels, x, y, frame, state.mask.get()};
  check_same_image(frame.width, pixels.channels, tile.is_deep(), state.counts);
  check_place(tile.area(), state.size, state.coverage);

  const std::ptrdiff_t most =
      std::max<std::ptrdiff_t>(pixels.width * pixels.height / kMinPixelsPerThread, 1);
  const std::ptrdiff_t bands =
      std::clamp<std::ptrdiff_t>(threads, 1, std::min(pixels.height, most));
  if (bands > 1) {
    ImageMeter whole = measured_in_bands(*this, tile, bands);
    return add(whole);
  }

  // What fails does so before anything is counted here.
  Coverage area(tile.area());
  if (state.counts.channels == 0) {
    state.counts = tile.is_deep() ? ImageCounts::deep(pixels.channels) : ImageCounts();
    state.rows = state.no_rows(frame, {0, 0, frame.width, frame.height});
  }
  const auto count = [&](RowState& rows) {
    count_pixels(kernels::active(), tile, pixels_to_come(tile, state.coverage.pixels()),
                 state.tables, state.counts, rows);
  };
  if (tile.may_fail()) {
    RowState rows = state.no_rows(frame, tile.area());
    count(rows);
    state.rows.add(std::move(rows));
  } else {
    count(state.rows);
  }
  state.coverage.add(std::move(area));
  state.counts.width = frame.width;
  state.counts.height = state.has_size() ? frame.height : state.coverage.bottom();
  state.counts.channels = pixels.channels;
  if (state.is_whole() || !state.tables.may_wait()) (void)counts();
  state.settle_if_due();
}

void ImageMeter::add(ImageMeter& other) {
  State& state = *state_;
  const State& from = *other.state_;
  const bool same_mask =
      state.mask == from.mask ||
      (state.mask != nullptr && from.mask != nullptr && *state.mask == *from.mask);
  if (state.set != from.set || state.size != from.size || !same_mask) {
    throw IncompatibleError(
        "got an ImageMeter of other metrics, another size or another mask; expected the same");
  }
  if (from.counts.channels == 0) return;
  check_same_image(from.counts.width, from.counts.channels, from.counts.is_deep(), state.counts);
  for (const auto& [place, area] : from.coverage.map()) {
    check_place(area, state.size, state.coverage);
  }
  if (state.counts.channels == 0) {
    *this = other.copy();
    return;
  }
  Coverage coverage = from.coverage;
  state.rows.add(from.rows);
  state.counts.add(other.counts());
  state.coverage.add(std::move(coverage));
  if (!state.has_size()) state.counts.height = state.coverage.bottom();
  state.settle_if_due();
}

std::vector<Value> ImageMeter::values() {
  const State& state = *state_;
  const Frame frame{state.counts.width, state.counts.height};
  const Active active = metrics_of(state.set, state.has_size());
  RowState rows = state.rows;
  rows.settle(frame, state.mask.get(), state.counts.is_deep());
  const ImageFacts image{counts(), state.counts.pixels(), frame,
                         state.counts.is_deep() ? 257.0 : 1.0,
                         state.coverage.pixels() == frame.width * frame.height};
  return read(rows.metrics, state.set, active, image);
}

}  // namespace lightmeter::measure
