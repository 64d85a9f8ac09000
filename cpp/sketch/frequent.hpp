#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

template <class Key>
struct FrequentItem {
  Key value;
  std::uint64_t lower;     // the true count is at least this
  std::uint64_t estimate;  // and at most this, which is also what is reported
};

// The most frequent values of a stream, with bounds on their counts. Exact while the values fit
// into kMaxEntries entries and kMaxBytes bytes of keys. Past that it is Misra-Gries with its
// decrements kept in one number, the floor: no value that was dropped occurred more than floor()
// times, and floor() <= n / (entries + 1). Dropping takes one least entry at a time, so the list
// stays full however many rare values come. Long strings should be cut by the caller.
template <class Key>
class FrequentItems {
 public:
  static constexpr std::size_t kMaxEntries = 512;
  static constexpr std::size_t kMaxBytes = 8192;

  // IncompatibleError as for merge().
  void update(const Key& value, std::uint64_t count = 1);
  // rising[i] counts[i] times, as if merged with a list that holds all of them: faster than one by
  // one, and what is dropped is the least of all.
  void update(std::span<const Key> rising, std::span<const std::uint64_t> counts);
  // IncompatibleError, and nothing changes, if that would count more than 2^56.
  void merge(const FrequentItems& other);

  // All of it; DecodeError for a state that no sketch has.
  struct State {
    std::uint64_t n = 0;
    std::uint64_t floor = 0;
    std::vector<FrequentItem<Key>> entries = {};  // by rising value
  };
  [[nodiscard]] State state() const;
  [[nodiscard]] static FrequentItems from_state(const State& state);

  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }
  [[nodiscard]] bool is_exact() const noexcept { return floor_ == 0; }
  [[nodiscard]] std::uint64_t floor() const noexcept { return floor_; }
  // Whether it is in the list.
  [[nodiscard]] bool contains(const auto& value) const { return counters_.contains(value); }
  // By falling estimate, then rising value.
  [[nodiscard]] std::vector<FrequentItem<Key>> items() const;

  void encode(wire::Writer& out) const;
  [[nodiscard]] static FrequentItems decode(wire::Reader& in);
  friend bool operator==(const FrequentItems& a, const FrequentItems& b) {
    return wire::same_bytes(a, b);
  }

 private:
  struct Counter {
    std::uint64_t count = 0;  // upper bound of the true count
    std::uint64_t error = 0;  // how much that is too high at most
  };

  [[nodiscard]] bool is_full() const noexcept {
    return counters_.size() > kMaxEntries || (bytes_ > kMaxBytes && counters_.size() > 1);
  }
  void shrink();
  void raise_floor();

  std::map<Key, Counter, std::less<>> counters_;
  // Entries from this value on, or all without one, have counts above the floor.
  std::optional<Key> cursor_;
  std::size_t bytes_ = 0;  // of the keys
  std::uint64_t n_ = 0;
  std::uint64_t floor_ = 0;
};

using FrequentStrings = FrequentItems<std::string>;
using FrequentIntegers = FrequentItems<std::int64_t>;

}  // namespace lightmeter::sketch
