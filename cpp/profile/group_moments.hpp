#pragma once

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

  struct Values {
    void merge(const Values& more);

    bool circular = false;
    PerBucket means;  // of finite numbers
    PerBucket missing;
    PerBucket infinite;
    std::map<std::uint32_t, PerBucket> texts;  // by the cell that they are hashed to
  };
  struct Images {
    PerBucket measured;
    std::map<ExifPolicy, PerBucket> exif_read;
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

  void layout(Codec& codec);

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
