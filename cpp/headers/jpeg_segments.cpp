#include "headers/jpeg_segments.hpp"

namespace lightmeter::headers {

namespace {

constexpr std::size_t kMostSegments = 4096;

constexpr bool has_no_body(std::uint8_t marker) noexcept {
  // TEM, the restarts, the start
  return marker == 0x01 || (marker >= 0xD0 && marker <= JpegMarker::kStart);
}

JpegSegment next_segment(Foreign& file, std::uint64_t offset) {
  while (true) {
    const auto head = file.read_up_to(offset, 4);
    if (head.size() < 2 || head[0] != 0xFF) throw DamagedError("got no segment of a JPEG file");
    const std::uint8_t marker = head[1];
    if (marker == 0xFF) {  // a fill byte
      offset += 1;
    } else if (has_no_body(marker)) {
      offset += 2;
    } else if (marker == JpegMarker::kEnd || head.size() < 4) {
      return {JpegMarker::kEnd, {offset, 0}};
    } else {
      const std::uint32_t size = big_endian(head.subspan(2));
      if (size < 2) throw DamagedError("got a segment of less than its size");
      return {marker, {offset + 4, size - 2}};
    }
  }
}

}  // namespace

std::vector<JpegSegment> jpeg_segments(Foreign& file) {
  std::vector<JpegSegment> segments;
  segments.reserve(16);
  try {
    for (std::uint64_t offset = 2; segments.size() < kMostSegments;) {
      const JpegSegment segment = next_segment(file, offset);
      if (segment.marker == JpegMarker::kEnd) break;
      segments.push_back(segment);
      if (segment.marker == JpegMarker::kScan) break;
      offset = segment.body.offset + segment.body.size;
    }
  } catch (const DamagedError&) {  // what was found so far stands
  }
  return segments;
}

}  // namespace lightmeter::headers
