#include "headers/jpeg_header.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace lightmeter::headers {

namespace {

constexpr std::uint64_t kMaxExif = std::uint64_t{4} << 20;

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

JpegHeader read_jpeg_header(Foreign& file) { return read_jpeg_header(file, jpeg_segments(file)); }

JpegHeader read_jpeg_header(Foreign& file, std::span<const JpegSegment> segments) {
  JpegHeader header;
  Sums sums;
  std::optional<std::uint8_t> table;  // of the first component
  const auto read = [&](std::uint8_t marker, const Part& part) {
    const bool is_frame = is_jpeg_frame(marker);
    if (!is_frame && marker != JpegMarker::kApp1 && marker != JpegMarker::kApp2 &&
        marker != JpegMarker::kQuantisation) {
      return;
    }
    const auto body = file.read(part.offset, part.size);
    const auto rest = [&](std::size_t skipped) {
      const auto bytes = body.subspan(std::min(skipped, body.size()));
      return std::vector(bytes.begin(), bytes.end());
    };
    constexpr std::string_view kIcc("ICC_PROFILE\0\1", 13), kPictures("MPF\0", 4);
    if (is_frame) {
      table = body.size() > 8 ? std::optional(body[8]) : std::nullopt;
      header.frame = read_jpeg_frame(marker, body);
      // Of several headers each adds what it says, and one channel has no subsampling.
      if (header.frame->channels() > 1) header.subsampling = subsampling_of(*header.frame);
    } else if (marker == JpegMarker::kQuantisation) {
      add_tables(sums, body);
    } else if (marker == JpegMarker::kApp1) {
      // A block above 64 KB goes on in the next segment.
      if (!starts_with(body, "Exif") || header.exif.size() >= kMaxExif) return;
      const auto block = rest(6);
      header.exif.insert(header.exif.end(), block.begin(), block.end());
    } else if (starts_with(body, kIcc)) {
      header.icc = rest(14);
    } else if (starts_with(body, kPictures)) {
      header.pictures = rest(kPictures.size());
    }
  };
  try {
    for (const auto& [marker, body] : segments) read(marker, body);
  } catch (const DamagedError&) {  // what was read so far stands
  }
  if (table && *table < sums.size() && sums[*table]) {
    header.quality = estimated_quality(*sums[*table]);
  }
  return header;
}

std::optional<JpegSegment> find_jpeg_frame(Foreign& file) {
  for (const JpegSegment& segment : jpeg_segments(file)) {
    if (is_jpeg_frame(segment.marker) || segment.marker == JpegMarker::kJpegLs) return segment;
  }
  return std::nullopt;
}

}  // namespace lightmeter::headers
