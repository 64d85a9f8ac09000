#include "headers/png_header.hpp"

#include <algorithm>
#include <string_view>

namespace lightmeter::headers {

namespace {

constexpr int kMaxChunks = 65'536;

constexpr std::uint32_t name(std::string_view letters) noexcept {
  std::uint32_t code = 0;
  for (const char letter : letters) code = code << 8 | static_cast<std::uint8_t>(letter);
  return code;
}

void step_over_chunks(Foreign& file, PngHeader& header) {
  std::uint64_t offset = 8;
  for (int i = 0; i < kMaxChunks; ++i) {
    const auto head = file.read(offset, 8);
    const std::uint32_t size = big_endian(head.first(4));
    const std::uint32_t kind = big_endian(head.subspan(4));
    const std::uint64_t body = offset + 8;
    const std::uint64_t there =
        std::min<std::uint64_t>({size, file.size() - body, Foreign::kMostBytes});
    if (kind == name("IEND")) return;
    if (kind == name("eXIf")) {
      header.exif = {body, there};
    } else if (kind == name("tRNS")) {
      header.has_alpha = true;
    } else if (kind == name("acTL")) {
      header.frames = big_endian(file.read(body, 4));
    } else if (kind == name("iCCP")) {
      header.icc = {body, there};
    }
    offset = body + size + 4;
  }
}

}  // namespace

PngHeader read_png_header(Foreign& file) {
  const auto start = file.read(16, 13);  // of the IHDR chunk
  const std::uint8_t colour = start[9];
  PngHeader header;
  header.bit_depth = start[8];
  header.pixels = std::uint64_t{big_endian(start.first(4))} * big_endian(start.subspan(4, 4));
  if (const int channels = png_channels(colour); channels != 0) header.channels = channels;
  header.has_alpha = colour == 4 || colour == 6;
  header.progressive = start[12] != 0;
  try {
    step_over_chunks(file, header);
  } catch (const DamagedError&) {  // what was read so far stands
  }
  return header;
}

}  // namespace lightmeter::headers
