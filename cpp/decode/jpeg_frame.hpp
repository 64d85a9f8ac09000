#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/jpeg_huffman.hpp"

namespace lightmeter::decode {

// A component (ITU T.81, B.2.2 and B.2.3): its identifier, sampling factors and tables.
struct JpegComponent {
  std::uint8_t id = 0;
  int across = 1;
  int down = 1;
  std::size_t quantisation = 0;
  std::size_t dc = 0;
  std::size_t ac = 0;
};

// What comes before the entropy-coded data.
struct JpegFrame {
  int width = 0;
  int height = 0;
  int channels = 0;  // 0 before the frame header, then 1 or 3
  std::array<JpegComponent, 3> components;
  int restart_interval = 0;  // in MCUs; 0 if there are no restarts

  // In the order of the file, which is that of the zigzag; 0 where a table is not defined.
  std::array<std::array<std::uint8_t, 64>, 4> quantisation{};
  std::array<std::shared_ptr<const HuffmanTable>, 4> dc, ac;  // null likewise

  std::span<const std::uint8_t> data;  // what follows the header of the scan

  [[nodiscard]] int across() const noexcept { return components[0].across; }
  [[nodiscard]] int down() const noexcept { return components[0].down; }
};

// Reads all segments up to the entropy-coded data. Null where a file is refused: for what it is, for
// damage, or because libjpeg or Pillow might read it in another way.
[[nodiscard]] std::unique_ptr<JpegFrame> read_jpeg_frame(std::span<const std::uint8_t> file);

}  // namespace lightmeter::decode
