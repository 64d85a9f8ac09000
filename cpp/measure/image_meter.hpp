#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "measure/colour_tables.hpp"
#include "measure/coverage.hpp"
#include "measure/image_counts.hpp"
#include "measure/mask.hpp"
#include "measure/number.hpp"
#include "measure/row_state.hpp"
#include "pixels.hpp"

namespace lightmeter::measure {

// Measures one image: whole, in strips, or in tiles. What it says depends on the pixels alone, not
// on the tiles, their order or the threads. A meter belongs to one thread at a time, also to read
// it: what was counted of colours is read out when it is asked for.
class ImageMeter {
 public:
  // Measures the numbers of a set, of an image whose size shows with its strips. The numbers that
  // need its size before are not defined then.
  explicit ImageMeter(Set set = Set::kDefault) : set_(set) {}
  // Of an image of this size; the pixels that the mask, which may be null, names are ignored.
  // Throws std::invalid_argument for a size that no image has, and for a mask of another one.
  ImageMeter(Set set, std::int64_t width, std::int64_t height,
             std::shared_ptr<const Mask> mask = nullptr);

  // A meter of its own with what was measured so far.
  [[nodiscard]] ImageMeter copy();
  // A meter of the same image that has measured nothing.
  [[nodiscard]] ImageMeter empty() const {
    return has_size() ? ImageMeter(set_, size_.width, size_.height, mask_) : ImageMeter(set_);
  }

  // Measures a tile of which the first pixel is at (x, y). Where the size is not known, a tile has
  // the width of the image. Up to `threads` threads each take a band of rows; they start and join
  // inside this call. Views have pixels, 1 or 3 channels and, of deep samples, a range. Throws
  // std::invalid_argument for more than kMaxPixels in all; IncompatibleError for a tile of another
  // width, channel count or depth, outside the image, or over another tile;
  // OutOfRangeError. Then nothing was measured.
  void update(const Pixels& tile, std::int64_t x, std::int64_t y, int threads = 1);
  // The next strip, below all that was measured.
  void update(const Pixels& strip, int threads = 1);

  // Adds what was measured elsewhere of other tiles of the same image. Throws like update().
  void add(ImageMeter& other);

  [[nodiscard]] Set set() const noexcept { return set_; }
  // The first row below all that was measured.
  [[nodiscard]] std::int64_t rows() const noexcept { return coverage_.bottom(); }
  // Of the pixels so far.
  [[nodiscard]] const ImageCounts& counts() noexcept;
  // The share of the pixels so far that the mask ignores; nothing without a mask.
  [[nodiscard]] std::optional<double> ignored_percent() noexcept;
  // The numbers of the set, of the pixels so far.
  [[nodiscard]] std::vector<Value> values();

 private:
  [[nodiscard]] bool has_size() const noexcept { return size_.height != 0; }
  // Whether all pixels came of an image whose size is known.
  [[nodiscard]] bool is_whole() const noexcept {
    return has_size() && coverage_.pixels() == size_.width * size_.height;
  }
  // Of pixels in an area of an image of this frame.
  [[nodiscard]] RowState no_rows(const Frame& frame, const Area& area) const {
    return RowState(metrics_of(set_, has_size()) & kRowMetrics, frame, area);
  }
  void settle_if_due();

  Set set_;
  Frame size_;  // as it was given; the height is 0 if it was not
  std::shared_ptr<const Mask> mask_;
  ImageCounts counts_;  // but for what waits in the tables
  Coverage coverage_;
  RowState rows_;
  std::unique_ptr<ColourTables> tables_ = std::make_unique<ColourTables>();
};

}  // namespace lightmeter::measure
