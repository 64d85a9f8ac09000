#include "decode/jpeg_frame.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lightmeter::decode {
namespace {

using Bytes = std::span<const std::uint8_t>;

// ITU T.81, table B.1.
constexpr std::uint8_t kBaseline = 0xC0, kExtended = 0xC1, kHuffman = 0xC4, kStart = 0xD8;
constexpr std::uint8_t kScan = 0xDA, kQuantisation = 0xDB, kRestarts = 0xDD;
constexpr std::uint8_t kApp0 = 0xE0, kApp1 = 0xE1, kApp2 = 0xE2, kApp13 = 0xED, kApp14 = 0xEE,
                       kApp15 = 0xEF;
constexpr std::uint8_t kComment = 0xFE;

constexpr int kMostLength = 65500;  // JPEG_MAX_DIMENSION of libjpeg

int sixteen(Bytes bytes, std::size_t at) noexcept { return bytes[at] << 8 | bytes[at + 1]; }

bool starts_with(Bytes bytes, std::string_view start) noexcept {
  return bytes.size() >= start.size() &&
         std::ranges::equal(bytes.first(start.size()), start, {}, {},
                            [](char c) { return static_cast<std::uint8_t>(c); });
}

// What the application segments say.
struct Applications {
  bool jfif = false;
  bool adobe_ycc = false;
  bool exif = false;
};

// B.2.4.1. A divisor of 0 is none.
bool read_quantisation(Bytes body, JpegFrame& frame) noexcept {
  while (!body.empty()) {
    const std::uint8_t precision_and_place = body[0];
    if (precision_and_place > 3 || body.size() < 65) return false;
    if (std::ranges::count(body.subspan(1, 64), 0) != 0) return false;
    std::ranges::copy(body.subspan(1, 64), frame.quantisation[precision_and_place].begin());
    body = body.subspan(65);
  }
  return true;
}

// B.2.4.2.
bool read_huffman(Bytes body, JpegFrame& frame) {
  while (!body.empty()) {
    const std::size_t is_ac = body[0] >> 4, place = body[0] & 15;
    if (is_ac > 1 || place > 3 || body.size() < 17) return false;
    const auto counts = body.subspan<1, 16>();
    std::size_t symbols = 0;
    for (const std::uint8_t count : counts) symbols += count;
    if (body.size() < 17 + symbols) return false;
    auto table = huffman_table(is_ac == 1, counts, body.subspan(17, symbols));
    if (table == nullptr) return false;
    (is_ac == 1 ? frame.ac : frame.dc)[place] = std::move(table);
    body = body.subspan(17 + symbols);
  }
  return true;
}

// B.2.2: 8 bits; gray, or three components of which the first may be sampled twice as often.
bool read_frame(Bytes body, JpegFrame& frame) noexcept {
  if (frame.channels != 0 || body.size() < 6 || body[0] != 8) return false;
  frame.height = sixteen(body, 1);
  frame.width = sixteen(body, 3);
  const std::size_t channels = body[5];
  if (frame.height == 0 || frame.width == 0) return false;  // a height of 0 comes later, by DNL
  if (frame.height > kMostLength || frame.width > kMostLength) return false;
  if ((channels != 1 && channels != 3) || body.size() != 6 + 3 * channels) return false;
  for (std::size_t i = 0; i < channels; ++i) {
    const Bytes form = body.subspan(6 + 3 * i, 3);
    const int across = form[1] >> 4, down = form[1] & 15;
    const bool may_be_double = i == 0 && channels == 3;
    if (across < 1 || down < 1 || across > (may_be_double ? 2 : 1) || down > across) return false;
    if (form[2] > 3) return false;
    frame.components[i] = {form[0], across, down, form[2], 0, 0};
  }
  frame.channels = static_cast<int>(channels);
  // Where chroma is 2 columns wide or less, libjpeg does not interpolate it.
  return frame.across() == 1 || frame.width > 4;
}

// B.2.3: one scan of all components, of all coefficients.
bool read_scan(Bytes body, JpegFrame& frame) noexcept {
  const auto channels = static_cast<std::size_t>(frame.channels);
  if (channels == 0 || body.size() != 4 + 2 * channels || body[0] != channels) return false;
  for (std::size_t i = 0; i < channels; ++i) {
    JpegComponent& component = frame.components[i];
    component.dc = body[2 + 2 * i] >> 4;
    component.ac = body[2 + 2 * i] & 15;
    if (body[1 + 2 * i] != component.id || component.dc > 3 || component.ac > 3) return false;
    if (frame.dc[component.dc] == nullptr || frame.ac[component.ac] == nullptr) return false;
    if (frame.quantisation[component.quantisation][0] == 0) return false;
  }
  const Bytes spectrum = body.last(3);
  return spectrum[0] == 0 && spectrum[1] == 63 && spectrum[2] == 0;
}

// Pillow looks for a resolution in the Exif, and fails on the whole file where that is no fraction.
// Which of several it takes depends on what else is damaged, so all of them have to be right.
bool has_usual_resolution(Bytes exif) noexcept {
  constexpr std::size_t kXResolution = 0x11A, kFraction = 5, kBigTiff = 43;
  constexpr std::size_t kHead = 8, kRow = 12;
  if (exif.size() < kHead) return true;  // no Exif for Pillow either
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value = value << 8 | exif[at + (exif[0] == 'I' ? bytes - 1 - i : i)];
    }
    return value;
  };
  // Pillow steps over a second name of the block.
  if (number(2, 2) == kBigTiff || starts_with(exif, "Exif")) return false;
  std::size_t at = number(4, 4);
  if (at + 2 > exif.size()) return true;
  std::size_t rows = number(at, 2);
  for (at += 2; rows > 0 && at + kRow <= exif.size(); --rows, at += kRow) {
    const bool usual = number(at + 2, 2) == kFraction && number(at + 4, 4) == 1;
    if (number(at, 2) == kXResolution && !usual) return false;
  }
  return true;
}

// Application segments, as far as libjpeg or Pillow look at them. Refused are those that a camera
// writes longer, and those that make of the file another format.
bool read_application(std::uint8_t marker, Bytes body, Applications& said) {
  if (marker == kApp0 && starts_with(body, "JFIF")) {
    said.jfif = body.size() >= 14 && body[4] == 0;
    return said.jfif;
  }
  if (marker == kApp1 && starts_with(body, "Exif")) {
    if (said.exif) return false;  // Pillow joins them
    said.exif = true;
    return body.size() < 6 || has_usual_resolution(body.subspan(6));
  }
  if (marker == kApp2) {
    if (starts_with(body, "ICC_PROFILE")) return body.size() > 14;
    return !starts_with(body, "MPF");
  }
  if (marker == kApp14 && starts_with(body, "Adobe")) {
    said.adobe_ycc = body.size() >= 12 && body[11] == 1;
    return said.adobe_ycc;
  }
  return marker != kApp13;
}

// Whether libjpeg takes the components for YCbCr.
bool is_ycc(const JpegFrame& frame, const Applications& said) noexcept {
  const auto& [y, cb, cr] = frame.components;
  if (y.id == cb.id || y.id == cr.id || cb.id == cr.id) return false;
  return said.jfif || said.adobe_ycc || (y.id == 1 && cb.id == 2 && cr.id == 3);
}

bool read_segment(std::uint8_t marker, Bytes body, JpegFrame& frame, Applications& said) {
  switch (marker) {
    case kBaseline:
    case kExtended:
      return read_frame(body, frame);
    case kHuffman:
      return read_huffman(body, frame);
    case kQuantisation:
      return read_quantisation(body, frame);
    case kRestarts:  // B.2.4.4
      if (body.size() != 2) return false;
      frame.restart_interval = sixteen(body, 0);
      return true;
    case kScan:
      return read_scan(body, frame) && (frame.channels == 1 || is_ycc(frame, said));
    case kComment:
      return true;
    default:
      return marker >= kApp0 && marker <= kApp15 && read_application(marker, body, said);
  }
}

}  // namespace

std::unique_ptr<JpegFrame> read_jpeg_frame(Bytes file) {
  if (file.size() < 2 || file[0] != 0xFF || file[1] != kStart) return nullptr;
  Bytes rest = file.subspan(2);
  auto frame = std::make_unique<JpegFrame>();
  Applications said;
  while (rest.size() >= 4 && rest[0] == 0xFF) {
    const std::uint8_t marker = rest[1];
    const auto length = static_cast<std::size_t>(sixteen(rest, 2));  // with its own two bytes
    if (length < 2 || length + 2 > rest.size()) return nullptr;
    if (!read_segment(marker, rest.subspan(4, length - 2), *frame, said)) return nullptr;
    rest = rest.subspan(length + 2);
    if (marker == kScan) {
      frame->data = rest;
      return frame;
    }
  }
  return nullptr;
}

}  // namespace lightmeter::decode
