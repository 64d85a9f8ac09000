#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "profile/column.hpp"
#include "profile/exif_policy.hpp"
#include "profile/per_bucket.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// What was logged with a group, such as a slide or a burst: how values lie between groups and
// within them, which columns apart do not tell. Names of groups are hashed to buckets and not kept.
// At most kMost buckets are in use: where there are more, buckets are joined by halves, as often as
// it takes. So any order and any tree of merges has the same buckets and counts; means and squares
// agree to 1e-12.
class GroupMoments {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::uint32_t kCells = 64;  // that strings are hashed to
  static constexpr int kMostCoarsenings = 4;   // leave kMost buckets

  struct Count {
    std::uint32_t key = 0;
    std::uint64_t n = 0;
    friend bool operator<(const Count& a, const Count& b) noexcept { return a.key < b.key; }
  };
  using Counts = PerBucket<Count>;
  struct Mean {
    Bucket key = 0;
    std::uint64_t n = 0;
    double x = 0.0;  // of hues the cosine
    double y = 0.0;  // of hues the sine, else 0
    friend bool operator<(const Mean& a, const Mean& b) noexcept { return a.key < b.key; }
  };
  // xx, yy, xy: sums of squares and of products about the means.
  using Squares = std::array<double, 3>;
  struct Values {
    // Adds a mean to `sum`, which is of the same bucket, and the squares that lie between the two.
    void join(Mean& sum, const Mean& more);
    void merge(const Values& more);

    bool circular = false;
    PerBucket<Mean> means;  // of finite numbers
    Squares within{};       // of all buckets but kSingle
    Squares single{};       // of kSingle
    Counts missing;
    Counts infinite;
    Counts texts = Counts(kCells);
  };
  struct Images {
    Counts measured;
    std::map<ExifPolicy, Counts> exif_read;
  };

  // Without a group each value is one: kSingle. The name is not kept.
  [[nodiscard]] static Bucket bucket_of(std::optional<std::string_view> group) noexcept;

  // Adds what `column` holds, which was logged of one group, or of values that are a group each.
  void add(Bucket bucket, std::string_view name, const Column& column);
  void add(Bucket bucket, std::string_view prefix, std::uint64_t measured,
           const std::map<ExifPolicy, std::uint64_t>& exif_read);
  void merge(GroupMoments more);

  [[nodiscard]] bool empty() const noexcept { return in_use_.empty(); }
  // How many named groups there are, about: as many as leave so many buckets empty on average.
  [[nodiscard]] double groups() const noexcept;
  // Buckets there are beside kSingle.
  [[nodiscard]] Bucket buckets() const noexcept { return kBuckets >> coarsenings_; }
  [[nodiscard]] const std::map<std::string, Values, std::less<>>& columns() const noexcept {
    return columns_;
  }
  // By prefix.
  [[nodiscard]] const std::map<std::string, Images, std::less<>>& images() const noexcept {
    return images_;
  }

  template <class Io, class Self>
  static void layout(Io io, Self& self);
  void encode(wire::Writer& out) const;
  [[nodiscard]] static GroupMoments decode(wire::Reader& in);

 private:
  // Buckets in use beside kSingle.
  [[nodiscard]] std::size_t named() const { return in_use_.size() - in_use_.count(kSingle); }
  void coarsen();

  int coarsenings_ = 0;
  std::set<Bucket> in_use_;
  std::map<std::string, Values, std::less<>> columns_;
  std::map<std::string, Images, std::less<>> images_;
};

}  // namespace lightmeter::profile
