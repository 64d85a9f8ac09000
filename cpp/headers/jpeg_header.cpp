#include "headers/jpeg_header.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace lightmeter::headers {

namespace {

constexpr int kMaxSegments = 4096;
constexpr std::uint64_t kMaxExif = std::uint64_t{4} << 20;

constexpr std::uint8_t kStart = 0xD8, kScan = 0xDA, kEnd = 0xD9, kQuantization = 0xDB;
constexpr std::uint8_t kApp1 = 0xE1, kApp2 = 0xE2, kJpegLs = 0xF7;

// The numbers between the start-of-frame markers are DHT, JPG and DAC.
constexpr bool is_frame(std::uint8_t marker) noexcept {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

constexpr bool has_no_body(std::uint8_t marker) noexcept {
  return marker == 0x01 || (marker >= 0xD0 && marker <= kStart);  // TEM, the restarts, the start
}

struct Segment {
  std::uint8_t marker;
  Part body;
};

Segment next_segment(Foreign& file, std::uint64_t offset) {
  while (true) {
    const auto head = file.read_up_to(offset, 4);
    if (head.size() < 2 || head[0] != 0xFF) throw DamagedError("got no segment of a JPEG file");
    const std::uint8_t marker = head[1];
    if (marker == 0xFF) {  // a fill byte
      offset += 1;
    } else if (has_no_body(marker)) {
      offset += 2;
    } else if (marker == kEnd || head.size() < 4) {
      return {kEnd, {offset, 0}};
    } else {
      const std::uint32_t size = big_endian(head.subspan(2));
      if (size < 2) throw DamagedError("got a segment of less than its size");
      return {marker, {offset + 4, size - 2}};
    }
  }
}

// Calls `visit` with each segment up to the first scan, until it returns true.
template <class Visit>
void for_each_segment(Foreign& file, Visit&& visit) {
  std::uint64_t offset = 2;
  for (int i = 0; i < kMaxSegments; ++i) {
    const Segment segment = next_segment(file, offset);
    if (segment.marker == kScan || segment.marker == kEnd || visit(segment)) return;
    offset = segment.body.offset + segment.body.size;
  }
}

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view start) noexcept {
  return bytes.size() >= start.size() &&
         std::ranges::equal(bytes.first(start.size()), start, {}, {},
                            [](char c) { return static_cast<std::uint8_t>(c); });
}

// Sums of quantisation tables, which are all that the quality needs.
using Sums = std::array<std::optional<std::uint64_t>, 16>;

void add_tables(Sums& sums, std::span<const std::uint8_t> body) {
  while (!body.empty()) {
    const std::size_t width = body[0] >> 4 == 0 ? 1 : 2;
    if (body.size() < 1 + 64 * width) return;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 64; ++i) sum += big_endian(body.subspan(1 + i * width, width));
    sums[body[0] & 15] = sum;
    body = body.subspan(1 + 64 * width);
  }
}

std::string subsampling_of(std::span<const std::uint8_t> factors) {
  const auto luma = factors[0], chroma = factors[1];
  if (factors.size() < 3 || factors[2] == chroma) {
    const int across = chroma >> 4, down = chroma & 15;
    const int luma_x = luma >> 4, luma_y = luma & 15;
    if (across != 0 && down != 0 && luma_x % across == 0 && luma_y % down == 0) {
      constexpr std::pair<std::pair<int, int>, const char*> kNames[] = {
          {{1, 1}, "4:4:4"}, {{2, 1}, "4:2:2"}, {{2, 2}, "4:2:0"},
          {{1, 2}, "4:4:0"}, {{4, 1}, "4:1:1"}, {{4, 2}, "4:1:0"}};
      for (const auto& [ratio, name] : kNames) {
        if (ratio == std::pair(luma_x / across, luma_y / down)) return name;
      }
    }
  }
  std::string text;
  for (const std::uint8_t factor : factors) {
    if (!text.empty()) text += ' ';
    text.append(std::to_string(factor >> 4)).append("x").append(std::to_string(factor & 15));
  }
  return text;
}

// Precision, height, width, then per component: number, sampling factors, table.
JpegFrame frame_of(std::span<const std::uint8_t> body, std::uint8_t marker) {
  if (body.size() < 6 || body[5] == 0 || body.size() < 6 + std::size_t{3} * body[5]) {
    throw DamagedError("got a header of a frame that is cut short");
  }
  const std::size_t channels = body[5];
  const std::uint32_t height = body[1] << 8 | body[2];
  const std::uint32_t width = body[3] << 8 | body[4];
  JpegFrame frame{body[0], body[5], (marker & 3) == 2, width * height, {}};
  if (channels > 1) {
    std::array<std::uint8_t, 255> factors;
    for (std::size_t i = 0; i < channels; ++i) factors[i] = body[7 + 3 * i];
    frame.subsampling = subsampling_of(std::span(factors).first(channels));
  }
  return frame;
}

// Luminance quantisation of ITU-T T.81, table K.1, from which encoders scale theirs.
constexpr std::array<std::uint8_t, 64> kLuminance = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,  //
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,  //
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,  //
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

// The sum of the luminance table at an IJG quality: libjpeg's jpeg_quality_scaling.
constexpr std::uint64_t sum_at(int quality) {
  const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  std::uint64_t sum = 0;
  for (const int base : kLuminance) {
    sum += static_cast<std::uint64_t>(std::clamp((base * scale + 50) / 100, 1, 255));
  }
  return sum;
}

constexpr auto kSums = [] {
  std::array<std::uint64_t, 100> sums{};
  for (int quality = 1; quality <= 100; ++quality) {
    sums[static_cast<std::size_t>(quality - 1)] = sum_at(quality);
  }
  return sums;
}();

}  // namespace

int estimated_quality(std::uint64_t sum) noexcept {
  // They fall as the quality rises, and all differ.
  const auto* const place = std::ranges::lower_bound(kSums, sum, std::ranges::greater());
  const auto at = static_cast<int>(place - kSums.begin());
  if (at == 0) return 1;
  if (place == kSums.end()) return 100;
  return sum - *place < *(place - 1) - sum ? at + 1 : at;
}

JpegHeader read_jpeg_header(Foreign& file) {
  JpegHeader header;
  Sums sums;
  std::optional<std::uint8_t> table;  // of the first component
  std::uint64_t exif_bytes = 0;
  const auto visit = [&](const Segment& segment) {
    const auto& [marker, part] = segment;
    const auto rest = [whole = part](std::uint64_t skipped) {
      return Part{whole.offset + skipped, whole.size - skipped};
    };
    if (marker == kApp1) {
      // A block above 64 KB goes on in the next segment.
      if (starts_with(file.read(part.offset, part.size), "Exif") && exif_bytes < kMaxExif) {
        header.exif.push_back(rest(std::min<std::uint64_t>(6, part.size)));
        exif_bytes += header.exif.back().size;
      }
    } else if (marker == kQuantization) {
      add_tables(sums, file.read(part.offset, part.size));
    } else if (is_frame(marker)) {
      const auto body = file.read(part.offset, part.size);
      table = body.size() > 8 ? std::optional(body[8]) : std::nullopt;
      JpegFrame frame = frame_of(body, marker);
      // Of several headers each adds what it says, and one channel has no subsampling.
      if (frame.channels == 1 && header.frame) frame.subsampling = header.frame->subsampling;
      header.frame = std::move(frame);
    } else if (marker == kApp2) {
      constexpr std::string_view kIcc("ICC_PROFILE\0\1", 13), kPictures("MPF\0", 4);
      const auto body = file.read(part.offset, part.size);
      if (starts_with(body, kIcc)) {
        header.icc = rest(std::min<std::uint64_t>(14, part.size));
      } else if (starts_with(body, kPictures)) {
        header.pictures = rest(kPictures.size());
      }
    }
    return false;
  };
  try {
    for_each_segment(file, visit);
  } catch (const DamagedError&) {  // what was read so far stands
  }
  if (table && *table < sums.size() && sums[*table]) {
    header.quality = estimated_quality(*sums[*table]);
  }
  return header;
}

std::optional<JpegFrameBody> find_jpeg_frame(Foreign& file) {
  std::optional<JpegFrameBody> frame;
  for_each_segment(file, [&](const Segment& segment) {
    if (is_frame(segment.marker) || segment.marker == kJpegLs) {
      frame = {segment.marker, segment.body};
    }
    return frame.has_value();
  });
  return frame;
}

}  // namespace lightmeter::headers
