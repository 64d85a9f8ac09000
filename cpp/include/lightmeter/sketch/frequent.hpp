#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lightmeter::wire {
class Reader;
class Writer;
}  // namespace lightmeter::wire

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

  void update(const Key& value, std::uint64_t count = 1);
  void merge(const FrequentItems& other);

  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }
  [[nodiscard]] bool is_exact() const noexcept { return floor_ == 0; }
  [[nodiscard]] std::uint64_t floor() const noexcept { return floor_; }
  // By falling estimate, then rising value. At most `limit` of them.
  [[nodiscard]] std::vector<FrequentItem<Key>> items(std::size_t limit = kMaxEntries) const;

  void encode(wire::Writer& out) const;
  [[nodiscard]] static FrequentItems decode(wire::Reader& in);

 private:
  struct Counter {
    std::uint64_t count = 0;  // upper bound of the true count
    std::uint64_t error = 0;  // count - error is the lower bound
  };

  void shrink();

  std::map<Key, Counter, std::less<>> counters_;
  std::size_t bytes_ = 0;  // of the keys
  std::uint64_t n_ = 0;
  std::uint64_t floor_ = 0;
};

template <class Key>
bool operator==(const FrequentItems<Key>& a, const FrequentItems<Key>& b);

using FrequentStrings = FrequentItems<std::string>;
using FrequentIntegers = FrequentItems<std::int64_t>;

}  // namespace lightmeter::sketch
