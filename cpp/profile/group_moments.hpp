#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "profile/column.hpp"
#include "profile/group_values.hpp"
#include "profile/image_group.hpp"

namespace lightmeter::profile {

// Names of groups are hashed to buckets. Values that are a group each have one of their own.
using Bucket = std::uint32_t;
inline constexpr Bucket kBuckets = 4096;
inline constexpr Bucket kSingle = kBuckets;

// What was logged with a group, such as a slide or a burst: how values lie between groups and
// within them, which columns apart do not tell. Names of groups are hashed to buckets and not kept.
// At most kMost buckets are in use: where there are more, buckets are joined by halves, as often as
// it takes. So any order and any tree of merges has the same buckets and counts; means and squares
// agree to 1e-12.
class GroupMoments {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::uint32_t kMostCoarsenings = 4;  // leave kMost buckets

  template <class Part>
  using ByName = std::map<std::string, std::map<Bucket, Part>, std::less<>>;

  // Without a group each value is one: kSingle. The name is not kept.
  [[nodiscard]] static Bucket bucket_of(std::optional<std::string_view> group) noexcept;

  // Adds what `column` holds, which was logged of one group, or of values that are a group each.
  void add(Bucket bucket, std::string_view name, const Column& column);
  void add(Bucket bucket, std::string_view prefix, const ImageGroup& images);
  void merge(const GroupMoments& more);

  [[nodiscard]] bool empty() const noexcept { return in_use_.empty(); }
  // How many named groups there are, about: as many as leave so many buckets empty on average.
  [[nodiscard]] double groups() const noexcept;
  // Buckets there are beside kSingle.
  [[nodiscard]] Bucket buckets() const noexcept { return kBuckets >> coarsenings_; }
  [[nodiscard]] const ByName<GroupValues>& columns() const noexcept { return columns_; }
  // By prefix.
  [[nodiscard]] const ByName<ImageGroup>& images() const noexcept { return images_; }

  void layout(Codec& codec);

 private:
  // Buckets in use beside kSingle.
  [[nodiscard]] std::size_t named() const { return in_use_.size() - in_use_.count(kSingle); }
  // Where those of finer buckets go.
  [[nodiscard]] Bucket joined(Bucket bucket) const {
    return bucket == kSingle ? kSingle : bucket % buckets();
  }
  template <class Part>
  void merge(ByName<Part>& own, const ByName<Part>& more) const;
  void use(Bucket bucket);
  void coarsen();

  std::uint32_t coarsenings_ = 0;
  std::set<Bucket> in_use_;
  ByName<GroupValues> columns_;
  ByName<ImageGroup> images_;
};

}  // namespace lightmeter::profile
