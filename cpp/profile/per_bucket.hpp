#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace lightmeter::profile {

// Names of groups are hashed to buckets. Values that are a group each have one of their own.
using Bucket = std::uint32_t;
inline constexpr Bucket kBuckets = 4096;
inline constexpr Bucket kSingle = kBuckets;

// An entry for some of the buckets, or for some of the `cells` of each; its key is
// cells * bucket + cell. `join(sum, more)` adds an entry to another one of its key.
template <class Entry>
class PerBucket {
 public:
  explicit PerBucket(std::uint32_t cells = 1) : cells_(cells) {}

  // By rising key.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] Bucket bucket(const Entry& entry) const noexcept { return entry.key / cells_; }
  [[nodiscard]] std::uint32_t cells() const noexcept { return cells_; }
  void clear() noexcept { entries_.clear(); }

  template <class Join>
  void add(const Entry& entry, Join&& join) {
    const auto found = std::ranges::lower_bound(entries_, entry.key, {}, &Entry::key);
    if (found != entries_.end() && found->key == entry.key) {
      join(*found, entry);
    } else {
      entries_.insert(found, entry);
    }
  }
  template <class Join>
  void merge(const PerBucket& more, Join&& join) {
    if (more.entries_.size() <= 8) {  // as of one group
      for (const Entry& entry : more.entries_) add(entry, join);
    } else {
      join_runs(entries_, more.entries_, join);
    }
  }
  // Buckets from `buckets` on, which is half of those before, are joined to those below.
  template <class Join>
  void coarsen(Bucket buckets, Join&& join) {
    const auto half = std::ranges::lower_bound(entries_, buckets * cells_, {}, &Entry::key);
    const auto below = static_cast<std::size_t>(half - entries_.begin());
    for (Entry& entry : entries_) {
      if (bucket(entry) != kSingle) entry.key %= buckets * cells_;
    }
    const std::span<const Entry> all(entries_);
    join_runs(all.first(below), all.subspan(below), join);
  }

  // `each` is the layout of an entry.
  template <class Io, class Self, class Each>
  static void layout(Io io, Self& self, std::uint64_t bits_each, const char* not_rising,
                     Each&& each) {
    io.list(self.entries_, bits_each, not_rising, each);
  }

 private:
  // Both rise.
  template <class Join>
  void join_runs(std::span<const Entry> a, std::span<const Entry> b, Join&& join) {
    std::vector<Entry> sum;
    sum.reserve(a.size() + b.size());
    while (!a.empty() || !b.empty()) {
      auto& next = b.empty() || (!a.empty() && a.front().key <= b.front().key) ? a : b;
      if (!sum.empty() && sum.back().key == next.front().key) {
        join(sum.back(), next.front());
      } else {
        sum.push_back(next.front());
      }
      next = next.subspan(1);
    }
    entries_ = std::move(sum);
  }

  std::uint32_t cells_;
  std::vector<Entry> entries_;
};

}  // namespace lightmeter::profile
