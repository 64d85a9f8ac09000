#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "profile/first_k.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

// What decoded pictures of a format, or what somebody says of a profile.
struct TextPair {
  std::string key;
  std::string value;

  friend auto operator<=>(const TextPair&, const TextPair&) = default;
};

// A set of pairs, of which a merge has those of both sides.
class TextPairs : public FirstK<TextPair> {
 public:
  static constexpr std::size_t kMaxEntries = 64;
  static constexpr std::size_t kMaxKey = 64;
  static constexpr std::size_t kMaxValue = 128;

  TextPairs() : FirstK(kMaxEntries) {}

  // What is longer keeps its start. std::invalid_argument unless both are UTF-8.
  void add(std::string_view key, std::string_view value) {
    wire::check_text(key);
    wire::check_text(value);
    FirstK::add(
        {std::string(wire::cut_text(key, kMaxKey)), std::string(wire::cut_text(value, kMaxValue))});
  }
  void layout(Codec& codec) {
    FirstK::layout(codec, [&](TextPair& pair) {
      codec.text(pair.key, kMaxKey);
      codec.text(pair.value, kMaxValue);
    });
  }
};

}  // namespace lightmeter::profile
