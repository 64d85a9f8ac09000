#pragma once

#include <cstddef>
#include <string>

#include "profile/first_k.hpp"

namespace lightmeter::profile {

// A picture that could not be measured.
struct Failure {
  std::string path;    // bytes, as the file system has them; empty for a picture without a file
  std::string reason;  // stable code; UTF-8
  std::string detail;  // what was wrong, in words; UTF-8

  friend bool operator==(const Failure&, const Failure&) = default;
  // By path, those without one last.
  friend bool operator<(const Failure& a, const Failure& b) noexcept;
};

// The failures with the smallest paths, each once; those without a path come last. Bytes are bounded
// by the entry and not in sum: an early long entry could push out later ones in one order of merges
// and not in another.
class Failures : public FirstK<Failure> {
 public:
  static constexpr std::size_t kMaxEntries = 100;
  static constexpr std::size_t kMaxPath = 512;
  static constexpr std::size_t kMaxReason = 32;
  static constexpr std::size_t kMaxDetail = 200;

  Failures() : FirstK(kMaxEntries) {}

  // A longer path keeps its end, after "..."; a longer detail its start. std::invalid_argument
  // unless reason and detail are UTF-8.
  void add(Failure failure);
  void layout(Codec& codec);
};

}  // namespace lightmeter::profile
