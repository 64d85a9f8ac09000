#include "measure/image_meter.hpp"

#include <algorithm>
#include <future>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "error.hpp"
#include "measure/count_pixels.hpp"

namespace lightmeter::measure {

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

void check_same_image(std::int64_t width, int channels, bool deep, const ImageCounts& counts) {
  if (counts.channels == 0 ||
      (channels == counts.channels && width == counts.width && deep == counts.is_deep())) {
    return;
  }
  throw IncompatibleError("got a strip " + std::to_string(width) + " pixels wide with " +
                          std::to_string(channels) + " channels of " + (deep ? "more than " : "") +
                          "8 bits; expected the width, channels and depth of the strips before");
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

ImageMeter::ImageMeter(Set set, std::int64_t width, std::int64_t height,
                       std::shared_ptr<const Mask> mask)
    : set_(set), size_{width, height}, mask_(std::move(mask)) {
  check_size(size_, mask_.get());
}

ImageMeter ImageMeter::copy() {
  ImageMeter meter = empty();
  meter.counts_ = counts();
  meter.coverage_ = coverage_;
  meter.rows_ = rows_;
  return meter;
}

// Settling that fails for want of memory has changed nothing and is tried again with more.
void ImageMeter::settle_if_due() {
  if (rows_.seams.is_empty() || !(is_whole() || rows_.seams.is_due())) return;
  try {
    rows_.settle({counts_.width, size_.height}, mask_.get(), counts_.is_deep());
  } catch (const std::bad_alloc&) {
    return;
  }
}

const ImageCounts& ImageMeter::counts() noexcept {
  tables_->drain(kernels::active(), counts_);
  return counts_;
}

std::optional<double> ImageMeter::ignored_percent() noexcept {
  const std::int64_t all = coverage_.pixels();
  if (mask_ == nullptr || all == 0) return std::nullopt;
  const auto ignored = static_cast<double>(all - static_cast<std::int64_t>(counts().pixels()));
  return 100.0 * ignored / static_cast<double>(all);
}

void ImageMeter::update(const Pixels& strip, int threads) { update(strip, 0, rows(), threads); }

void ImageMeter::update(const Pixels& pixels, std::int64_t x, std::int64_t y, int threads) {
  const Frame frame = has_size() ? size_ : Frame{pixels.width, 0};
  const Tile tile{pixels, x, y, frame, mask_.get()};
  check_same_image(frame.width, pixels.channels, tile.is_deep(), counts_);
  check_place(tile.area(), size_, coverage_);

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
  if (counts_.channels == 0) {
    counts_ = tile.is_deep() ? ImageCounts::deep(pixels.channels) : ImageCounts();
    rows_ = no_rows(frame, {0, 0, frame.width, frame.height});
  }
  const auto count = [&](RowState& rows) {
    count_pixels(kernels::active(), tile, pixels_to_come(tile, coverage_.pixels()), *tables_,
                 counts_, rows);
  };
  if (tile.is_deep()) {  // a sample may be out of range
    RowState rows = no_rows(frame, tile.area());
    count(rows);
    rows_.add(std::move(rows));
  } else {
    count(rows_);
  }
  coverage_.add(std::move(area));
  counts_.width = frame.width;
  counts_.height = has_size() ? frame.height : coverage_.bottom();
  counts_.channels = pixels.channels;
  if (is_whole() || !tables_->may_wait()) (void)counts();
  settle_if_due();
}

void ImageMeter::add(ImageMeter& other) {
  const bool same_mask = mask_ == other.mask_ ||
                         (mask_ != nullptr && other.mask_ != nullptr && *mask_ == *other.mask_);
  if (set_ != other.set_ || size_ != other.size_ || !same_mask) {
    throw IncompatibleError(
        "got an ImageMeter of other metrics, another size or another mask; expected the same");
  }
  if (other.counts_.channels == 0) return;
  check_same_image(other.counts_.width, other.counts_.channels, other.counts_.is_deep(), counts_);
  for (const auto& [place, area] : other.coverage_.map()) {
    check_place(area, size_, coverage_);
  }
  if (counts_.channels == 0) {
    *this = other.copy();
    return;
  }
  Coverage coverage = other.coverage_;
  rows_.add(other.rows_);
  counts_.add(other.counts());
  coverage_.add(std::move(coverage));
  if (!has_size()) counts_.height = coverage_.bottom();
  settle_if_due();
}

std::vector<Value> ImageMeter::values() {
  const Frame frame{counts_.width, counts_.height};
  const Active active = metrics_of(set_, has_size());
  RowState rows = rows_;
  rows.settle(frame, mask_.get(), counts_.is_deep());
  const ImageFacts image{counts(), counts_.pixels(), frame, counts_.is_deep() ? 257.0 : 1.0,
                         coverage_.pixels() == frame.width * frame.height};
  return read(rows.metrics, set_, active, image);
}

}  // namespace lightmeter::measure
