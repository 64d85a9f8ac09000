#include "profile/group_moments.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/hue.hpp"
#include "sketch/mix.hpp"

namespace lightmeter::profile {

namespace {

using Count = GroupMoments::Count;
using Counts = GroupMoments::Counts;
using Mean = GroupMoments::Mean;
using Squares = GroupMoments::Squares;
using Values = GroupMoments::Values;

void sum(Count& own, const Count& more) { own.n += more.n; }

void add_count(Counts& counts, std::uint32_t key, std::uint64_t n) {
  if (n > 0) counts.add({key, n}, sum);
}

double mean_of(double a, double na, double b, double nb) {
  const double share = nb / (na + nb);
  const double d = b - a;
  return std::isfinite(d) ? a + d * share : a * (1.0 - share) + b * share;
}

void add_squares(Squares& own, const Squares& more) {
  for (std::size_t i = 0; i < own.size(); ++i) own[i] += more[i];
}

// The numbers of a column as one mean, and the squares about it.
void put_numbers(Values& values, Bucket bucket, const Column& column) {
  const auto join = [&](Mean& own, const Mean& more) { values.join(own, more); };
  if (!values.circular) {
    const sketch::Moments moments = column.moments();
    if (moments.n() == 0) return;
    values.means.add({bucket, moments.n(), moments.mean(), 0.0}, join);
    (bucket == kSingle ? values.single : values.within)[0] = moments.sum_of_squares();
    return;
  }
  const sketch::SortedView& view = column.numbers().view();
  Mean mean{bucket, 0, 0.0, 0.0};
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const double angle = kernels::hue_angle(view.values[i]);
    values.join(mean, {bucket, view.weight(i), std::cos(angle), std::sin(angle)});
  }
  if (mean.n > 0) values.means.add(mean, join);
}

void put_texts(Counts& texts, Bucket bucket, const sketch::FrequentStrings& strings) {
  const std::uint32_t first = bucket * GroupMoments::kCells;
  std::uint64_t rest = strings.n();
  for (const auto& item : strings.items()) {
    const std::uint64_t count = std::min(rest, item.lower);
    const auto cell = static_cast<std::uint32_t>(sketch::hash_of(item.value) % texts.cells());
    add_count(texts, first + cell, count);
    rest -= count;
  }
  add_count(texts, first, rest);  // no longer listed
}

// Numbers that have a test; of others no group is asked.
bool is_tested(Role role) noexcept {
  return role == Role::kPlain || role == Role::kDate || role == Role::kAngle;
}

}  // namespace

// As in moments.cpp; the squares that lie between the two means go to those of the bucket's kind.
void GroupMoments::Values::join(Mean& own, const Mean& more) {
  Squares& squares = own.key == kSingle ? single : within;
  const auto a = static_cast<double>(own.n);
  const auto b = static_cast<double>(more.n);
  const double x = more.x - own.x;
  const double y = more.y - own.y;
  const double weight = a * (b / (a + b));
  squares[0] += x * x * weight;
  if (y != 0.0) {  // of hues, which are finite
    squares[1] += y * y * weight;
    squares[2] += x * y * weight;
  }
  own.x = mean_of(own.x, a, more.x, b);
  own.y = mean_of(own.y, a, more.y, b);
  own.n += more.n;
}

void GroupMoments::Values::merge(const Values& more) {
  if (means.empty()) {
    circular = more.circular;
  } else if (!more.means.empty() && circular != more.circular) {
    means.clear();  // of one name, but of two meanings: nothing that could be compared
    within = single = {};
  }
  if (circular == more.circular) {
    means.merge(more.means, [this](Mean& own, const Mean& mean) { join(own, mean); });
    add_squares(within, more.within);
    add_squares(single, more.single);
  }
  missing.merge(more.missing, sum);
  infinite.merge(more.infinite, sum);
  texts.merge(more.texts, sum);
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
    if (is_tested(role)) put_numbers(values, bucket, column);
    const sketch::QuantileSketch& numbers = column.numbers();
    add_count(values.missing, bucket, column.null() + numbers.nan());
    add_count(values.infinite, bucket, numbers.pos_inf() + numbers.neg_inf());
    put_texts(values.texts, bucket, column.frequent_strings());
  }
  merge(std::move(group));
}

void GroupMoments::add(Bucket bucket, std::string_view prefix, std::uint64_t measured,
                       const std::map<ExifPolicy, std::uint64_t>& exif_read) {
  GroupMoments group;
  group.in_use_.insert(bucket);
  Images& images = group.images_[std::string(prefix)];
  add_count(images.measured, bucket, measured);
  for (const auto& [policy, count] : exif_read) {
    add_count(images.exif_read[policy], bucket, count);
  }
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
    own.measured.merge(images.measured, sum);
    for (const auto& [policy, counts] : images.exif_read) {
      own.exif_read[policy].merge(counts, sum);
    }
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
    values.means.coarsen(buckets(), [&](Mean& own, const Mean& more) { values.join(own, more); });
    for (Counts* counts : {&values.missing, &values.infinite, &values.texts}) {
      counts->coarsen(buckets(), sum);
    }
  }
  for (auto& [prefix, images] : images_) {
    images.measured.coarsen(buckets(), sum);
    for (auto& [policy, counts] : images.exif_read) counts.coarsen(buckets(), sum);
  }
}

}  // namespace lightmeter::profile
