#include "headers/jpeg_frame.hpp"

#include <utility>

#include "headers/foreign.hpp"

namespace lightmeter::headers {

bool is_jpeg_frame(std::uint8_t marker) noexcept {
  // The numbers between the start-of-frame markers are DHT, JPG and DAC.
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Precision, height, width, then of each component: identifier, sampling factors, table.
JpegFrame read_jpeg_frame(std::uint8_t marker, std::span<const std::uint8_t> body) {
  if (body.size() < 6 || body[5] == 0 || body.size() < 6 + std::size_t{3} * body[5]) {
    throw DamagedError("got a header of a frame that is cut short");
  }
  JpegFrame frame{(marker & 3) == 2, body[0], body[3] << 8 | body[4], body[1] << 8 | body[2], {}};
  frame.components.reserve(body[5]);
  for (std::size_t i = 0; i < body[5]; ++i) {
    const auto form = body.subspan(6 + 3 * i, 3);
    frame.components.push_back({form[0], form[1] >> 4, form[1] & 15, form[2]});
  }
  return frame;
}

std::string subsampling_of(const JpegFrame& frame) {
  const auto& components = frame.components;
  if (components.size() == 1) return {};
  const JpegComponent &luma = components[0], &chroma = components[1];
  const bool is_alike = components.size() < 3 || (components[2].across == chroma.across &&
                                                  components[2].down == chroma.down);
  if (is_alike && chroma.across != 0 && chroma.down != 0 && luma.across % chroma.across == 0 &&
      luma.down % chroma.down == 0) {
    constexpr std::pair<std::pair<int, int>, const char*> kNames[] = {
        {{1, 1}, "4:4:4"}, {{2, 1}, "4:2:2"}, {{2, 2}, "4:2:0"},
        {{1, 2}, "4:4:0"}, {{4, 1}, "4:1:1"}, {{4, 2}, "4:1:0"}};
    for (const auto& [ratio, name] : kNames) {
      if (ratio == std::pair(luma.across / chroma.across, luma.down / chroma.down)) return name;
    }
  }
  std::string text;
  for (const JpegComponent& component : components) {
    if (!text.empty()) text += ' ';
    text.append(std::to_string(component.across))
        .append("x")
        .append(std::to_string(component.down));
  }
  return text;
}

}  // namespace lightmeter::headers
