#include "decode/png.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "headers/png_header.hpp"

namespace lightmeter::decode {

namespace {

int samples_of(PngColour colour) {
  const int samples = headers::png_channels(static_cast<std::uint8_t>(colour));
  if (samples == 0) {
    throw std::invalid_argument("got no type of colour: " + std::to_string(int(colour)));
  }
  return samples;
}

// ISO/IEC 15948, table 11.1.
bool is_depth_of(PngColour colour, int depth) noexcept {
  if (colour == PngColour::kPalette && depth == 16) return false;
  if (depth == 8 || depth == 16) return true;
  const bool may_be_less = colour == PngColour::kGray || colour == PngColour::kPalette;
  return may_be_less && (depth == 1 || depth == 2 || depth == 4);
}

// Whether rows are given in another form than they have in the file.
bool is_expanded(const PngForm& form) noexcept {
  return form.colour == PngColour::kPalette || form.depth < 8;
}

std::size_t pixel_bits(const PngForm& form) {
  return static_cast<std::size_t>(form.depth * samples_of(form.colour));
}

std::size_t row_bytes(const PngForm& form) {
  if (!is_depth_of(form.colour, form.depth)) {
    throw std::invalid_argument("got " + std::to_string(form.depth) +
                                " bits a sample, which this type of colour has not");
  }
  const std::size_t bits = pixel_bits(form);
  if (form.width <= 0 || form.height <= 0 ||
      form.width > PngRows::kMostRowBytes * 8 / static_cast<std::int64_t>(bits)) {
    throw std::invalid_argument("got an image of " + std::to_string(form.width) + " x " +
                                std::to_string(form.height) + " pixels; expected at least one, " +
                                "and rows of at most 16 MB");
  }
  if (form.colour == PngColour::kPalette &&
      (form.palette.empty() || form.palette.size() % 3 != 0 || form.palette.size() > 768)) {
    throw std::invalid_argument("got a palette of " + std::to_string(form.palette.size()) +
                                " bytes; expected 1 to 256 colours");
  }
  return (static_cast<std::size_t>(form.width) * bits + 7) / 8;
}

// Bytes a pixel of expanded rows: of a palette red, green, blue and padding.
std::size_t expanded_bytes(const PngForm& form) noexcept {
  return form.colour == PngColour::kPalette ? 4 : 1;
}

// Calls `put` with the column and the number of each pixel of a row, of at most 8 bits each.
template <class Put>
void for_each_number(const std::uint8_t* row, std::size_t width, int depth, Put&& put) {
  if (depth == 8) {
    for (std::size_t x = 0; x < width; ++x) put(x, row[x]);
    return;
  }
  const std::size_t in_byte = static_cast<std::size_t>(8 / depth);
  const unsigned mask = (1U << depth) - 1;
  for (std::size_t x = 0; x < width; ++x) {
    const auto place = in_byte - 1 - x % in_byte;  // the first pixel is in the highest bits
    put(x, row[x / in_byte] >> (place * static_cast<std::size_t>(depth)) & mask);
  }
}

// The pixels of rows as they are in the file.
Pixels plain_view(const PngForm& form, const std::uint8_t* rows, std::ptrdiff_t row_stride) {
  const bool wide = form.depth == 16;
  const bool gray = form.colour == PngColour::kGray || form.colour == PngColour::kGrayAlpha;
  Pixels pixels{.data = rows, .width = static_cast<std::ptrdiff_t>(form.width)};
  pixels.row_stride = row_stride;
  pixels.pixel_stride = static_cast<std::ptrdiff_t>(pixel_bits(form) / 8);
  pixels.channels = gray ? 1 : 3;
  pixels.channel_stride = gray ? 0 : form.depth / 8;
  if (wide && (form.deep || form.colour == PngColour::kGray)) {
    pixels.type = SampleType::kUint16;
    pixels.swapped = std::endian::native == std::endian::little;
  } else if (wide && gray) {
    pixels.channels = 3;  // as Pillow has it, which knows no gray with alpha of 16 bits
  }
  return pixels;
}

}  // namespace

PngRows::PngRows(PngForm form)
    : tier_(&kernels::active()),
      form_(std::move(form)),
      row_bytes_(row_bytes(form_)),
      pixel_bytes_(std::max<std::size_t>(1, pixel_bits(form_) / 8)) {
  const std::size_t expanded =
      is_expanded(form_) ? static_cast<std::size_t>(form_.width) * expanded_bytes(form_) : 0;
  rows_in_strip_ = std::clamp<std::size_t>(kStripBytes / std::max(row_bytes_, expanded), 1,
                                           static_cast<std::size_t>(form_.height));
  strip_.resize((rows_in_strip_ + 1) * row_bytes_);
  expanded_.resize(rows_in_strip_ * expanded);
  pending_.reserve(row_bytes_ + 1);
}

bool PngRows::take(std::span<const std::uint8_t> inflated, const TakeStrip& take_strip) {
  const std::size_t coded_bytes = row_bytes_ + 1;
  while (!inflated.empty()) {
    if (is_whole()) return false;
    const std::size_t part = std::min(coded_bytes - pending_.size(), inflated.size());
    const auto next = inflated.first(part);
    inflated = inflated.subspan(part);
    if (part < coded_bytes) {
      pending_.insert(pending_.end(), next.begin(), next.end());
      if (pending_.size() < coded_bytes) return true;
    }
    if (!unfilter(part < coded_bytes ? std::span<const std::uint8_t>(pending_) : next)) {
      return false;
    }
    pending_.clear();
    if ((filled_ == rows_in_strip_ || is_whole()) && !give_strip(take_strip)) return false;
  }
  return true;
}

bool PngRows::unfilter(std::span<const std::uint8_t> coded) {
  const std::uint8_t* above = strip_.data() + filled_ * row_bytes_;
  std::uint8_t* row = strip_.data() + (filled_ + 1) * row_bytes_;
  if (coded[0] >= tier_->unfilter.size()) return false;
  tier_->unfilter[coded[0]](coded.data() + 1, above, row, row_bytes_, pixel_bytes_);
  ++filled_;
  ++rows_;
  return true;
}

bool PngRows::give_strip(const TakeStrip& take_strip) {
  const std::size_t rows = std::exchange(filled_, 0);
  Pixels pixels;
  if (is_expanded(form_)) {
    if (!expand(rows)) return false;
    const auto bytes = static_cast<std::ptrdiff_t>(expanded_bytes(form_));
    const auto width = static_cast<std::ptrdiff_t>(form_.width);
    pixels = {.data = expanded_.data(), .width = width, .channels = bytes == 4 ? 3 : 1};
    pixels.row_stride = width * bytes;
    pixels.pixel_stride = bytes;
  } else {
    pixels = plain_view(form_, strip_.data() + row_bytes_, static_cast<std::ptrdiff_t>(row_bytes_));
  }
  pixels.height = static_cast<std::ptrdiff_t>(rows);
  take_strip(pixels);
  std::memcpy(strip_.data(), strip_.data() + rows * row_bytes_, row_bytes_);
  return true;
}

// False for a number that the palette has not.
bool PngRows::expand(std::size_t rows) {
  const auto width = static_cast<std::size_t>(form_.width);
  const bool coloured = form_.colour == PngColour::kPalette;
  const unsigned numbers = 1U << form_.depth;
  const std::size_t entries = coloured ? form_.palette.size() / 3 : numbers;
  std::array<std::array<std::uint8_t, 4>, 256> colours{};
  for (std::size_t i = 0; i < entries; ++i) {
    if (coloured) {
      std::copy_n(form_.palette.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                  colours[i].begin());
    } else {
      colours[i][0] = static_cast<std::uint8_t>(i * 255 / (numbers - 1));
    }
  }
  unsigned highest = 0;
  std::uint8_t* to = expanded_.data();
  for (std::size_t row = 1; row <= rows; ++row) {
    const std::uint8_t* from = strip_.data() + row * row_bytes_;
    if (coloured) {
      for_each_number(from, width, form_.depth, [&](std::size_t x, unsigned number) {
        highest = std::max(highest, number);
        std::memcpy(to + 4 * x, colours[number].data(), 4);
      });
      to += 4 * width;
    } else {
      for_each_number(from, width, form_.depth,
                      [&](std::size_t x, unsigned number) { to[x] = colours[number][0]; });
      to += width;
    }
  }
  return highest < entries;
}

}  // namespace lightmeter::decode
