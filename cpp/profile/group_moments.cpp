#include "profile/group_moments.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sketch/mix.hpp"

namespace lightmeter::profile {

Bucket GroupMoments::bucket_of(std::optional<std::string_view> group) noexcept {
  return group ? static_cast<Bucket>(sketch::hash_of(*group) % kBuckets) : kSingle;
}

double GroupMoments::groups() const noexcept {
  const double all = buckets();
  return -all * std::log1p(-std::min(static_cast<double>(named()), all - 1.0) / all);
}

void GroupMoments::add(Bucket bucket, std::string_view name, const Column& column) {
  const Role role = column.meaning().role;
  // Of other roles no group is asked; of vectors is kept only that they have groups.
  if (role == Role::kAngleSpread || role == Role::kLinearAngle || role == Role::kPixels ||
      role == Role::kAnglePixels || role == Role::kHash) {
    return;
  }
  if (role != Role::kVector) {
    columns_[std::string(name)][joined(bucket)].merge(GroupValues(column));
  }
  use(bucket);
}

void GroupMoments::add(Bucket bucket, std::string_view prefix, const ImageGroup& images) {
  images_[std::string(prefix)][joined(bucket)].merge(images);
  use(bucket);
}

template <class Part>
void GroupMoments::merge(ByName<Part>& own, const ByName<Part>& more) const {
  for (const auto& [name, parts] : more) {
    auto& sums = own[name];
    for (const auto& [bucket, part] : parts) sums[joined(bucket)].merge(part);
  }
}

void GroupMoments::merge(const GroupMoments& more) {
  while (coarsenings_ < more.coarsenings_) coarsen();
  merge(columns_, more.columns_);
  merge(images_, more.images_);
  for (const Bucket bucket : more.in_use_) use(bucket);
}

// How often buckets are joined depends on all groups only, and not on their order.
void GroupMoments::use(Bucket bucket) {
  in_use_.insert(joined(bucket));
  while (named() > kMost) coarsen();
}

void GroupMoments::coarsen() {
  GroupMoments coarser;
  coarser.coarsenings_ = coarsenings_ + 1;
  coarser.merge(*this);
  *this = std::move(coarser);
}

void GroupMoments::layout(Codec& codec) {
  codec.varint(coarsenings_);
  codec.require(coarsenings_ <= kMostCoarsenings, "buckets halved too often");
  codec.list(in_use_, [&](Bucket& bucket) {
    codec.varint(bucket);
    codec.require(bucket < buckets() || bucket == kSingle, "a bucket that is none");
  });
  codec.require(!empty() && named() <= kMost, "no bucket in use, or too many");
  const auto layout_parts = [&](const std::string&, auto& parts) {
    codec.map(parts, [&](Bucket bucket, auto& part) {
      codec.require(in_use_.contains(bucket), "a bucket that is not in use");
      part.layout(codec);
    });
  };
  codec.map(images_, layout_parts);
  codec.map(columns_, layout_parts);
}

}  // namespace lightmeter::profile
