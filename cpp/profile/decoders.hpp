#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "profile/first_k.hpp"

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
  void add(std::string_view format, std::string_view name);
  void layout(Codec& codec);
};

}  // namespace lightmeter::profile
