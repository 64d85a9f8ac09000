#pragma once

#include <compare>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "wire/wire.hpp"

namespace lightmeter::profile {

// What decoded pictures of a format, with its version.
struct Decoder {
  std::string format;
  std::string name;

  friend auto operator<=>(const Decoder&, const Decoder&) = default;
};

// The decoders of all pictures that were measured, each once.
//
// As of failures, the kMaxEntries first ones in order are kept, so any order and any tree of merges
// gives the same.
class Decoders {
 public:
  static constexpr std::size_t kMaxEntries = 64;
  static constexpr std::size_t kMaxFormat = 32;
  static constexpr std::size_t kMaxName = 128;

  // What is longer keeps its start. std::invalid_argument unless both are UTF-8.
  void add(std::string_view format, std::string_view name);
  void merge(const Decoders& other);

  [[nodiscard]] const std::set<Decoder>& entries() const noexcept { return entries_; }

  // varint count | each in rising order: text format | text name
  void encode(wire::Writer& out) const;
  // Throws DecodeError unless `add` could have made it.
  [[nodiscard]] static Decoders decode(wire::Reader& in);

 private:
  void insert(Decoder decoder);

  std::set<Decoder> entries_;
};

}  // namespace lightmeter::profile
