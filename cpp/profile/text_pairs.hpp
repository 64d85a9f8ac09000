#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "profile/first_k.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

// What decoded pictures of a format, or what somebody says of a profile.
using TextPair = std::pair<std::string, std::string>;

// A set of pairs, of which a merge has those of both sides.
class TextPairs : public FirstK<TextPair> {
 public:
  static constexpr std::size_t kMaxEntries = 64;
  static constexpr std::size_t kMaxKey = 64;
  static constexpr std::size_t kMaxValue = 128;

  TextPairs() : FirstK(kMaxEntries) {}

  // What is longer keeps its start.
  void add(std::string_view key, std::string_view value) {
    FirstK::add(
        {std::string(wire::cut_text(key, kMaxKey)), std::string(wire::cut_text(value, kMaxValue))});
  }
  void layout(Codec& codec) {
    FirstK::layout(codec, [&](TextPair& pair) {
      codec.text(pair.first, kMaxKey);
      codec.text(pair.second, kMaxValue);
    });
  }
};

}  // namespace lightmeter::profile
