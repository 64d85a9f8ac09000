#include "decode/jpeg_file.hpp"

#include <algorithm>
#include <utility>

#include "decode/pillow_rules.hpp"
#include "headers/foreign.hpp"

namespace lightmeter::decode {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Marker = headers::JpegMarker;

constexpr int kMostLength = 65500;  // JPEG_MAX_DIMENSION of libjpeg

// B.2.4.1. A divisor of 0 is none.
bool read_quantisation(Bytes body, JpegFile& file) noexcept {
  while (!body.empty()) {
    const std::uint8_t precision_and_place = body[0];
    if (precision_and_place > 3 || body.size() < 65) return false;
    if (std::ranges::count(body.subspan(1, 64), 0) != 0) return false;
    std::ranges::copy(body.subspan(1, 64), file.quantisation[precision_and_place].begin());
    body = body.subspan(65);
  }
  return true;
}

// B.2.4.2.
bool read_huffman(Bytes body, JpegFile& file) {
  while (!body.empty()) {
    const std::size_t is_ac = body[0] >> 4, place = body[0] & 15;
    if (is_ac > 1 || place > 3 || body.size() < 17) return false;
    const auto counts = body.subspan<1, 16>();
    std::size_t symbols = 0;
    for (const std::uint8_t count : counts) symbols += count;
    if (body.size() < 17 + symbols) return false;
    auto table = huffman_table(is_ac == 1, counts, body.subspan(17, symbols));
    if (table == nullptr) return false;
    (is_ac == 1 ? file.ac : file.dc)[place] = std::move(table);
    body = body.subspan(17 + symbols);
  }
  return true;
}

// B.2.2: 8 bits; gray, or three components of which the first may be sampled twice as often.
bool read_frame(std::uint8_t marker, Bytes body, JpegFile& file) {
  if (!file.frame.components.empty() || body.size() < 6 || body[0] != 8) return false;
  const std::size_t channels = body[5];
  if ((channels != 1 && channels != 3) || body.size() != 6 + 3 * channels) return false;
  file.frame = headers::read_jpeg_frame(marker, body);
  const auto& [progressive, bit_depth, width, height, components] = file.frame;
  if (height == 0 || width == 0) return false;  // a height of 0 comes later, by DNL
  if (height > kMostLength || width > kMostLength) return false;
  for (const JpegComponent& component : components) {
    const bool may_be_double = channels == 3 && &component == &components[0];
    const int across = component.across, down = component.down;
    if (across < 1 || down < 1 || across > (may_be_double ? 2 : 1) || down > across) return false;
    if (component.table > 3) return false;
  }
  // Where chroma is 2 columns wide or less, libjpeg does not interpolate it.
  return file.across() == 1 || width > 4;
}

// B.2.3: one scan of all components, of all coefficients.
bool read_scan(Bytes body, JpegFile& file) noexcept {
  const std::size_t channels = file.frame.components.size();
  if (channels == 0 || body.size() != 4 + 2 * channels || body[0] != channels) return false;
  for (std::size_t i = 0; i < channels; ++i) {
    const JpegComponent& component = file.frame.components[i];
    auto& [dc, ac] = file.tables[i];
    dc = body[2 + 2 * i] >> 4;
    ac = body[2 + 2 * i] & 15;
    if (body[1 + 2 * i] != component.id || dc > 3 || ac > 3) return false;
    if (file.dc[dc] == nullptr || file.ac[ac] == nullptr) return false;
    if (file.quantisation[component.table][0] == 0) return false;
  }
  const Bytes spectrum = body.last(3);
  return spectrum[0] == 0 && spectrum[1] == 63 && spectrum[2] == 0;
}

// Whether libjpeg takes the components for gray or YCbCr.
bool has_known_colours(const JpegFrame& frame, const JpegApplications& applications) noexcept {
  if (frame.channels() == 1) return true;
  const int y = frame.components[0].id, cb = frame.components[1].id, cr = frame.components[2].id;
  if (y == cb || y == cr || cb == cr) return false;
  return applications.jfif || applications.adobe_ycc || (y == 1 && cb == 2 && cr == 3);
}

bool read_segment(std::uint8_t marker, Bytes body, JpegFile& file, JpegApplications& applications) {
  switch (marker) {
    case Marker::kBaseline:
    case Marker::kExtended:
      return read_frame(marker, body, file);
    case Marker::kHuffman:
      return read_huffman(body, file);
    case Marker::kQuantisation:
      return read_quantisation(body, file);
    case Marker::kRestarts:  // B.2.4.4
      if (body.size() != 2) return false;
      file.restart_interval = static_cast<int>(headers::big_endian(body));
      return true;
    case Marker::kScan:
      return read_scan(body, file) && has_known_colours(file.frame, applications);
    case Marker::kComment:
      return true;
    default:
      return marker >= Marker::kApp0 && marker <= Marker::kApp15 &&
             take_application(marker, body, applications);
  }
}

}  // namespace

std::unique_ptr<JpegFile> read_jpeg_file(Bytes bytes,
                                         std::span<const headers::JpegSegment> segments) {
  if (bytes.size() < 2 || bytes[0] != 0xFF || bytes[1] != Marker::kStart) return nullptr;
  auto file = std::make_unique<JpegFile>();
  JpegApplications applications;
  std::size_t next = 2;
  for (const auto& [marker, part] : segments) {
    // Decoders differ on fill bytes and on markers without a body.
    if (part.offset != next + 4 || part.size > bytes.size() - part.offset) return nullptr;
    const Bytes body = bytes.subspan(part.offset, part.size);
    if (!read_segment(marker, body, *file, applications)) return nullptr;
    next = part.offset + part.size;
    if (marker == Marker::kScan) {
      file->data = bytes.subspan(next);
      return file;
    }
  }
  return nullptr;
}

}  // namespace lightmeter::decode
