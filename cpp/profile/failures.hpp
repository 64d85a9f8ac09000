#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "profile/first_k.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

// A picture that could not be measured.
struct Failure {
  std::string path;    // bytes, as the file system has them; empty for a picture without a file
  std::string reason;  // stable code; UTF-8
  std::string detail;  // what was wrong, in words; UTF-8

  friend bool operator==(const Failure&, const Failure&) = default;
  // By path, those without one last.
  friend bool operator<(const Failure& a, const Failure& b) noexcept {
    const bool a_last = a.path.empty(), b_last = b.path.empty();
    return std::tie(a_last, a.path, a.reason, a.detail) <
           std::tie(b_last, b.path, b.reason, b.detail);
  }
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

  // A longer path keeps its end, after "..."; a longer detail its start.
  void add(Failure failure) {
    constexpr std::string_view kCut = "...";
    if (failure.path.size() > kMaxPath) {
      failure.path.replace(0, failure.path.size() - kMaxPath + kCut.size(), kCut);
    }
    failure.reason.resize(wire::cut_text(failure.reason, kMaxReason).size());
    failure.detail.resize(wire::cut_text(failure.detail, kMaxDetail).size());
    FirstK::add(std::move(failure));
  }
  void layout(Codec& codec) {
    FirstK::layout(codec, [&](Failure& failure) {
      codec.bytes(failure.path, kMaxPath);  // any: file systems do not ask for UTF-8
      codec.text(failure.reason, kMaxReason);
      codec.text(failure.detail, kMaxDetail);
    });
  }
};

}  // namespace lightmeter::profile
