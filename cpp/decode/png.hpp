#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "decode/strips.hpp"
#include "kernels/tier.hpp"

namespace lightmeter::decode {

// The types of colour, by the numbers of the PNG specification (ISO/IEC 15948, 11.2.2).
enum class PngColour : std::uint8_t {
  kGray = 0,
  kRgb = 2,
  kPalette = 3,
  kGrayAlpha = 4,
  kRgbAlpha = 6
};

// What the header of a picture without interlace says, and what is wanted of it.
struct PngForm {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int depth = 8;
  PngColour colour = PngColour::kRgb;
  std::vector<std::uint8_t> palette = {};  // red, green and blue of each entry
  bool deep = false;                       // all bits of 16-bit colour
};

// The rows of a PNG picture from its inflated bytes, with the samples that Pillow gives: of 16-bit
// gray all bits; of 16-bit colour, and of 16-bit gray with alpha, the upper 8, or all if these are
// wanted. It refuses whatever is not exactly the picture that the header says: wrong filters, too
// few or too many bytes, numbers that the palette has not.
//
// Its memory is bounded by 2 kStripBytes and three rows, whatever the header says.
class PngRows {
 public:
  static constexpr std::size_t kStripBytes = std::size_t{1} << 20;
  static constexpr std::int64_t kMostRowBytes = std::int64_t{1} << 24;

  // Throws std::invalid_argument for a form that no picture has, and for rows of more bytes.
  explicit PngRows(PngForm form);

  // Takes the next inflated bytes, however they are cut, and gives each strip that they fill. False
  // if they are no such picture; then nothing more may be asked of it.
  [[nodiscard]] bool take(std::span<const std::uint8_t> inflated, const TakeStrip& take_strip);
  // Whether all rows have come. The last strip was given with the last row.
  [[nodiscard]] bool is_whole() const noexcept { return rows_ == form_.height; }

 private:
  [[nodiscard]] bool unfilter(std::span<const std::uint8_t> coded);
  [[nodiscard]] bool give_strip(const TakeStrip& take_strip);
  [[nodiscard]] bool expand(std::size_t rows);

  const kernels::Tier* tier_;
  PngForm form_;
  std::size_t row_bytes_;               // of a row, without its filter
  std::size_t pixel_bytes_;             // between a byte and the one that its filter looks at
  std::size_t rows_in_strip_;           // of a full one
  std::size_t filled_ = 0;              // rows of the strip so far
  std::int64_t rows_ = 0;               // rows so far
  std::vector<std::uint8_t> pending_;   // the start of a row of which the rest has not come
  std::vector<std::uint8_t> strip_;     // the row above it, and then its rows
  std::vector<std::uint8_t> expanded_;  // of palettes and of less than 8 bits
};

}  // namespace lightmeter::decode
