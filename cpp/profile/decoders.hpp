#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "profile/first_k.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

// What decoded pictures of a format, with its version.
struct Decoder {
  std::string format;
  std::string name;

  friend auto operator<=>(const Decoder&, const Decoder&) = default;
};

// The decoders of all pictures that were measured, each once.
class Decoders : public FirstK<Decoder> {
 public:
  static constexpr std::size_t kMaxEntries = 64;
  static constexpr std::size_t kMaxFormat = 32;
  static constexpr std::size_t kMaxName = 128;

  Decoders() : FirstK(kMaxEntries) {}

  // What is longer keeps its start. std::invalid_argument unless both are UTF-8.
  void add(std::string_view format, std::string_view name) {
    wire::check_text(format);
    wire::check_text(name);
    FirstK::add({std::string(wire::cut_text(format, kMaxFormat)),
                 std::string(wire::cut_text(name, kMaxName))});
  }
  void layout(Codec& codec) {
    FirstK::layout(codec, [&](Decoder& decoder) {
      codec.text(decoder.format, kMaxFormat);
      codec.text(decoder.name, kMaxName);
    });
  }
};

}  // namespace lightmeter::profile
