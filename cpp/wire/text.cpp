#include "wire/text.hpp"

#include <cstdint>

namespace lightmeter::wire {

// As RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view chars) noexcept {
  const auto* const text = reinterpret_cast<const std::uint8_t*>(chars.data());
  const std::size_t size = chars.size();
  for (std::size_t i = 0; i < size;) {
    const std::uint8_t lead = text[i++];
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return false;
    const std::size_t more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (size - i < more) return false;
    // Only the first byte after these four leads has a narrower range.
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (text[i] < low || text[i] > high) return false;
    for (std::size_t k = 1; k < more; ++k) {
      if ((text[i + k] & 0xC0) != 0x80) return false;
    }
    i += more;
  }
  return true;
}

std::string_view cut_text(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  std::size_t size = most;
  while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

}  // namespace lightmeter::wire
