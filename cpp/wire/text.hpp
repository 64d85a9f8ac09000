#pragma once

#include <cstddef>
#include <string_view>

namespace lightmeter::wire {

// Well-formed UTF-8, which is all that Reader::string takes.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
// The longest start of at most `most` bytes that does not cut a character.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most) noexcept;

}  // namespace lightmeter::wire
