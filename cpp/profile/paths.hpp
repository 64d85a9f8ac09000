#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "profile/codec.hpp"
#include "sketch/frequent.hpp"

namespace lightmeter::profile {

// Of each hash that a column tracks the path of a picture that has it: of several the least, so
// that any order and any tree of merges keeps the same as long as the column tracks all hashes.
class Paths {
 public:
  static constexpr std::size_t kMaxPath = 512;  // bytes

  // A longer path, which is UTF-8, loses its start, and so keeps the name of the file.
  void add(std::string_view hash, std::string_view path, const sketch::FrequentStrings& tracked);
  void merge(const Paths& other, const sketch::FrequentStrings& tracked);

  // Empty if none is known.
  [[nodiscard]] std::string_view find(std::string_view hash) const;

  void layout(Codec& codec, const sketch::FrequentStrings& tracked);

 private:
  void forget_others(const sketch::FrequentStrings& tracked);

  std::map<std::string, std::string, std::less<>> paths_;
};

}  // namespace lightmeter::profile
