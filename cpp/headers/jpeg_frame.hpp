#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lightmeter::headers {

// A component (ITU T.81, B.2.2): its identifier, sampling factors and quantisation table.
struct JpegComponent {
  std::uint8_t id;
  int across;
  int down;
  std::uint8_t table;
};

// What the header of a frame says. It has at least one component.
struct JpegFrame {
  bool progressive = false;
  int bit_depth = 0;
  int width = 0;
  int height = 0;  // 0 where it comes later
  std::vector<JpegComponent> components;

  [[nodiscard]] int channels() const noexcept { return static_cast<int>(components.size()); }
};

// Whether a segment is the header of a frame.
[[nodiscard]] bool is_jpeg_frame(std::uint8_t marker) noexcept;

// Reads the body of such a segment. DamagedError if it is cut short.
[[nodiscard]] JpegFrame read_jpeg_frame(std::uint8_t marker, std::span<const std::uint8_t> body);

// "4:2:0" or, where J:a:b has no word for it, "2x1 1x1 1x2"; empty for one component.
[[nodiscard]] std::string subsampling_of(const JpegFrame& frame);

}  // namespace lightmeter::headers
