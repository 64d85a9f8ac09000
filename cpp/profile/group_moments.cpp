#include "profile/group_moments.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/hue.hpp"
#include "sketch/mix.hpp"

namespace lightmeter::profile {

namespace {

// The numbers of a column as one mean, and the squares about it.
void put_numbers(PerBucket& means, Bucket bucket, const Column& column, bool circular) {
  if (!circular) {
    const sketch::Moments moments = column.moments();
    return means.add({bucket, moments.n(), moments.mean()}, moments.sum_of_squares());
  }
  const sketch::SortedView& view = column.numbers().view();
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const double angle = kernels::hue_angle(view.values[i]);
    means.add({bucket, view.weight(i), std::cos(angle), std::sin(angle)});
  }
}

void put_texts(std::map<std::uint32_t, PerBucket>& texts, Bucket bucket,
               const sketch::FrequentStrings& strings) {
  std::uint64_t rest = strings.n();
  for (const auto& item : strings.items()) {
    const std::uint64_t count = std::min(rest, item.lower);
    const std::uint64_t cell = sketch::hash_of(item.value) % GroupMoments::kCells;
    if (count > 0) texts[static_cast<std::uint32_t>(cell)].add({bucket, count});
    rest -= count;
  }
  if (rest > 0) texts[0].add({bucket, rest});  // no longer listed
}

// Numbers that have a test; of others no group is asked.
bool is_tested(Role role) noexcept {
  return role == Role::kPlain || role == Role::kDate || role == Role::kAngle;
}

}  // namespace

void GroupMoments::Values::merge(const Values& more) {
  if (means.empty()) {
    circular = more.circular;
  } else if (!more.means.empty() && circular != more.circular) {
    means = PerBucket();  // of one name, but of two meanings: nothing that could be compared
  }
  if (circular == more.circular) means.merge(more.means);
  missing.merge(more.missing);
  infinite.merge(more.infinite);
  for (const auto& [cell, counts] : more.texts) texts[cell].merge(counts);
}

Bucket GroupMoments::bucket_of(std::optional<std::string_view> group) noexcept {
  return group ? static_cast<Bucket>(sketch::hash_of(*group) % kBuckets) : kSingle;
}

double GroupMoments::groups() const noexcept {
  const double all = buckets();
  return -all * std::log1p(-std::min(static_cast<double>(named()), all - 1.0) / all);
}

void GroupMoments::add(Bucket bucket, std::string_view name, const Column& column) {
  const Role role = column.meaning().role;
  const bool has_texts = role == Role::kCategory || role == Role::kFailure;
  if (!is_tested(role) && !has_texts && role != Role::kVector) return;
  GroupMoments group;
  group.in_use_.insert(bucket);
  if (role != Role::kVector) {  // of which is kept that they have groups
    Values& values = group.columns_[std::string(name)];
    values.circular = role == Role::kAngle;
    if (is_tested(role)) put_numbers(values.means, bucket, column, values.circular);
    const sketch::QuantileSketch& numbers = column.numbers();
    values.missing.add({bucket, column.null() + numbers.nan()});
    values.infinite.add({bucket, numbers.pos_inf() + numbers.neg_inf()});
    put_texts(values.texts, bucket, column.frequent_strings());
  }
  merge(std::move(group));
}

void GroupMoments::add(Bucket bucket, std::string_view prefix, std::uint64_t measured,
                       const std::map<ExifPolicy, std::uint64_t>& exif_read) {
  GroupMoments group;
  group.in_use_.insert(bucket);
  Images& images = group.images_[std::string(prefix)];
  images.measured.add({bucket, measured});
  for (const auto& [policy, count] : exif_read) images.exif_read[policy].add({bucket, count});
  merge(std::move(group));
}

// How often buckets are joined depends on all groups only, and not on their order.
void GroupMoments::merge(GroupMoments more) {
  while (more.coarsenings_ < coarsenings_) more.coarsen();
  while (coarsenings_ < more.coarsenings_) coarsen();
  in_use_.merge(more.in_use_);
  for (auto& [name, values] : more.columns_) {
    const auto [own, added] = columns_.try_emplace(name, std::move(values));
    if (!added) own->second.merge(values);
  }
  for (const auto& [prefix, images] : more.images_) {
    Images& own = images_[prefix];
    own.measured.merge(images.measured);
    for (const auto& [policy, counts] : images.exif_read) own.exif_read[policy].merge(counts);
  }
  while (named() > kMost) coarsen();
}

void GroupMoments::coarsen() {
  ++coarsenings_;
  std::set<Bucket> in_use;
  for (const Bucket bucket : in_use_)
    in_use.insert(bucket == kSingle ? kSingle : bucket % buckets());
  in_use_ = std::move(in_use);
  for (auto& [name, values] : columns_) {
    for (PerBucket* part : {&values.means, &values.missing, &values.infinite}) {
      part->coarsen(buckets());
    }
    for (auto& [cell, counts] : values.texts) counts.coarsen(buckets());
  }
  for (auto& [prefix, images] : images_) {
    images.measured.coarsen(buckets());
    for (auto& [policy, counts] : images.exif_read) counts.coarsen(buckets());
  }
}

void GroupMoments::layout(Codec& codec) {
  auto coarsenings = static_cast<std::uint64_t>(coarsenings_);
  codec.varint(coarsenings);
  codec.require(coarsenings <= kMostCoarsenings, "buckets halved too often");
  if (codec.reads()) coarsenings_ = static_cast<int>(coarsenings);
  codec.list(in_use_, [&](Bucket& bucket) {
    codec.varint(bucket);
    codec.require(bucket < buckets() || bucket == kSingle, "a bucket that is none");
  });
  codec.require(!empty() && named() <= kMost, "no bucket in use, or too many");
  codec.map(images_, [&](const std::string&, Images& images) {
    images.measured.layout(codec, in_use_);
    codec.map(images.exif_read,
              [&](const ExifPolicy&, PerBucket& counts) { counts.layout(codec, in_use_); });
  });
  codec.map(columns_, [&](const std::string&, Values& values) {
    std::uint8_t circular = values.circular && !values.means.empty() ? 1 : 0;
    codec.u8(circular);
    codec.require(circular <= 1, "marked as what is not known");
    if (codec.reads()) values.circular = circular == 1;
    values.means.layout(codec, in_use_, 1 + circular);
    codec.require(circular == 0 || !values.means.empty(), "marked as hues without any");
    values.missing.layout(codec, in_use_);
    values.infinite.layout(codec, in_use_);
    codec.map(values.texts, [&](std::uint32_t cell, PerBucket& counts) {
      counts.layout(codec, in_use_);
      codec.require(cell < kCells && !counts.empty(), "a cell that is none, or without strings");
    });
  });
}

}  // namespace lightmeter::profile
