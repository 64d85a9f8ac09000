#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "wire/wire.hpp"

namespace lightmeter::profile {

// A picture that could not be measured.
struct Failure {
  std::string path;    // bytes, as the file system has them; empty for a picture without a file
  std::string reason;  // stable code; UTF-8
  std::string detail;  // what was wrong, in words; UTF-8

  friend bool operator==(const Failure&, const Failure&) = default;
};

// The failures with the smallest paths, each once; those without a path come last.
//
// What is kept is a function of the set of all that were added: the kMaxEntries smallest of a union
// are among the kMaxEntries smallest of its parts. So any order and any tree of merges gives the
// same. Bytes are bounded by the entry and not in sum, which would not have this property: an
// early long entry could push out later ones in one order and not in another.
class Failures {
 public:
  static constexpr std::size_t kMaxEntries = 100;
  static constexpr std::size_t kMaxPath = 512;
  static constexpr std::size_t kMaxReason = 32;
  static constexpr std::size_t kMaxDetail = 200;

  // A longer path keeps its end, after "..."; a longer detail its start. std::invalid_argument
  // unless reason and detail are UTF-8.
  void add(Failure failure);
  void merge(const Failures& other);

  struct Order {
    bool operator()(const Failure& a, const Failure& b) const noexcept;
  };
  [[nodiscard]] const std::set<Failure, Order>& entries() const noexcept { return entries_; }

  // varint count | each in rising order: varint length, path | text reason | text detail
  void encode(wire::Writer& out) const;
  // Throws DecodeError unless `add` could have made it.
  [[nodiscard]] static Failures decode(wire::Reader& in);

 private:
  void insert(Failure failure);

  std::set<Failure, Order> entries_;
};

}  // namespace lightmeter::profile
