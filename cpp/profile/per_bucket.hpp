#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "profile/codec.hpp"

namespace lightmeter::profile {

// Names of groups are hashed to buckets. Values that are a group each have one of their own.
using Bucket = std::uint32_t;
inline constexpr Bucket kBuckets = 4096;
inline constexpr Bucket kSingle = kBuckets;

// xx, yy, xy: sums of squares and of products about the means.
using Squares = std::array<double, 3>;

// How many values some of the buckets have; of numbers also their means, and the squares about
// these.
class PerBucket {
 public:
  struct Entry {
    Bucket bucket = 0;
    std::uint64_t n = 0;
    double x = 0.0;  // mean; of hues the mean cosine
    double y = 0.0;  // of hues the mean sine, else 0
    friend bool operator<(const Entry& a, const Entry& b) noexcept { return a.bucket < b.bucket; }
  };

  // By rising bucket.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  // Of all buckets but kSingle.
  [[nodiscard]] const Squares& within() const noexcept { return within_; }
  // Of kSingle.
  [[nodiscard]] const Squares& single() const noexcept { return single_; }

  // Of an n of 0 nothing is added. `squares` are those about the mean of the entry.
  void add(const Entry& entry, double squares = 0.0);
  void merge(const PerBucket& more);
  // Joins buckets from `buckets` on, which is half of those before, to those below.
  void coarsen(Bucket buckets);

  // An entry has `means` means: of counts none, of numbers 1, of hues 2.
  void layout(Codec& codec, const std::set<Bucket>& in_use, int means = 0);

 private:
  Squares& squares_of(const Entry& entry) { return entry.bucket == kSingle ? single_ : within_; }
  // Adds an entry to another one of its bucket, and the squares that lie between the two means.
  void join(Entry& sum, const Entry& more);

  std::vector<Entry> entries_;
  Squares within_{};
  Squares single_{};
};

}  // namespace lightmeter::profile
