#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/jpeg_huffman.hpp"
#include "headers/jpeg_frame.hpp"
#include "headers/jpeg_segments.hpp"

namespace lightmeter::decode {

using headers::JpegComponent;
using headers::JpegFrame;

// A JPEG file that is decoded here: what comes before the entropy-coded data, and these.
struct JpegFile {
  JpegFrame frame;  // without components before it is read, then with 1 or 3

  // By component, the Huffman tables of the scan (ITU T.81, B.2.3).
  struct Tables {
    std::size_t dc = 0;
    std::size_t ac = 0;
  };
  std::array<Tables, 3> tables;

  int restart_interval = 0;  // in MCUs; 0 if there are no restarts

  // In the order of the file, which is that of the zigzag; 0 where a table is not defined.
  std::array<std::array<std::uint8_t, 64>, 4> quantisation{};
  std::array<std::shared_ptr<const HuffmanTable>, 4> dc, ac;  // null likewise

  std::span<const std::uint8_t> data;  // what follows the header of the scan

  // How often the first component is sampled.
  [[nodiscard]] int across() const noexcept { return frame.components[0].across; }
  [[nodiscard]] int down() const noexcept { return frame.components[0].down; }
};

// Reads the segments of a file, up to the entropy-coded data. Null where it is refused: for what it
// is, for damage, or because libjpeg or Pillow might read it in another way.
[[nodiscard]] std::unique_ptr<JpegFile> read_jpeg_file(
    std::span<const std::uint8_t> file, std::span<const headers::JpegSegment> segments);

}  // namespace lightmeter::decode
