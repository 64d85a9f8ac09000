#include "profile/group_moments.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sketch/mix.hpp"

namespace lightmeter::profile {

using namespace group_parts;  // NOLINT(google-build-using-namespace): few names

namespace {

constexpr double kHueSteps = 255.0;  // around the circle

// Rising keys, each once.
void sum_equal(Counts& counts) {
  std::ranges::stable_sort(counts, {}, &Counts::value_type::first);
  std::size_t kept = 0;
  for (const auto& [key, count] : counts) {
    if (kept > 0 && counts[kept - 1].first == key) {
      counts[kept - 1].second += count;
    } else {
      counts[kept++] = {key, count};
    }
  }
  counts.resize(kept);
}

void add(Counts& counts, std::uint32_t key, std::uint64_t count) {
  if (count == 0) return;
  const auto at = std::ranges::lower_bound(counts, key, {}, &Counts::value_type::first);
  if (at != counts.end() && at->first == key) {
    at->second += count;
  } else {
    counts.insert(at, {key, count});
  }
}

void add_all(Counts& counts, const Counts& more) {
  if (more.size() <= 8) {  // as of one image
    for (const auto& [key, count] : more) add(counts, key, count);
    return;
  }
  counts.insert(counts.end(), more.begin(), more.end());
  sum_equal(counts);
}

double mean_of(double a, double na, double b, double nb) {
  const double share = nb / (na + nb);
  const double d = b - a;
  return std::isfinite(d) ? a + d * share : a * (1.0 - share) + b * share;
}

// As in moments.cpp; the squares that lie between the two means go to `squares`.
void join(Mean& sum, const Mean& more, Squares& squares) {
  const auto a = static_cast<double>(sum.n);
  const auto b = static_cast<double>(more.n);
  const double x = more.x - sum.x;
  const double y = more.y - sum.y;
  const double weight = a * (b / (a + b));
  squares[0] += x * x * weight;
  if (y != 0.0) {  // of hues, which are finite
    squares[1] += y * y * weight;
    squares[2] += x * y * weight;
  }
  sum.x = mean_of(sum.x, a, more.x, b);
  sum.y = mean_of(sum.y, a, more.y, b);
  sum.n += more.n;
}

// There are at most kMost means, so moving them is cheap.
void insert(Values& values, const Mean& mean) {
  const auto at = std::ranges::lower_bound(values.means, mean.place, {}, &Mean::place);
  if (at == values.means.end() || at->place != mean.place) {
    values.means.insert(at, mean);
  } else {
    join(*at, mean, mean.place == GroupMoments::kSingle ? values.single : values.within);
  }
}

void add_squares(Squares& sum, const Squares& more) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

void merge(Values& sum, const Values& more) {
  if (sum.means.empty()) {
    sum.circular = more.circular;
  } else if (!more.means.empty() && sum.circular != more.circular) {
    sum.means.clear();  // of one name, but of two meanings: nothing that could be compared
    sum.within = sum.single = {};
  }
  if (sum.circular == more.circular) {
    for (const Mean& mean : more.means) insert(sum, mean);
    add_squares(sum.within, more.within);
    add_squares(sum.single, more.single);
  }
  add_all(sum.missing, more.missing);
  add_all(sum.infinite, more.infinite);
  add_all(sum.texts, more.texts);
}

// The numbers of a column as one mean, and the squares about it.
void put_numbers(Values& values, Place place, const Column& column) {
  Squares& squares = place == GroupMoments::kSingle ? values.single : values.within;
  if (!values.circular) {
    const sketch::Moments moments = column.moments();
    if (moments.n() == 0) return;
    values.means.push_back({place, moments.n(), moments.mean(), 0.0});
    squares[0] = moments.sum_of_squares();
    return;
  }
  const sketch::SortedView& view = column.numbers().view();
  Mean sum{place, 0, 0.0, 0.0};
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    const double angle = view.values[i] * (2.0 * std::numbers::pi / kHueSteps);
    join(sum, {place, view.weight(i), std::cos(angle), std::sin(angle)}, squares);
  }
  if (sum.n > 0) values.means.push_back(sum);
}

// Numbers that have a test; of others no group is asked.
bool is_tested(Role role) noexcept {
  return role == Role::kPlain || role == Role::kDate || role == Role::kAngle;
}

}  // namespace

Place GroupMoments::place_of(std::optional<std::string_view> group) noexcept {
  return group ? static_cast<Place>(sketch::hash_of(*group) % kPlaces) : kSingle;
}

Place GroupMoments::folded(Place place) const noexcept {
  return place == kSingle ? kSingle : place % places();
}

double GroupMoments::groups() const noexcept {
  const bool single = !in_use_.empty() && in_use_.back() == kSingle;
  const auto used = static_cast<double>(in_use_.size() - (single ? 1 : 0));
  const double all = places();
  return -all * std::log1p(-std::min(used, all - 1.0) / all);
}

void GroupMoments::use(Place place) {
  const auto at = std::ranges::lower_bound(in_use_, place);
  if (at == in_use_.end() || *at != place) in_use_.insert(at, place);
}

void GroupMoments::add(Place place, std::string_view name, const Column& column) {
  const Role role = column.meaning().role;
  const bool has_texts = role == Role::kCategory || role == Role::kFailure;
  if (!is_tested(role) && !has_texts && role != Role::kVector) return;
  place = folded(place);
  use(place);
  if (role == Role::kVector) return fold();  // that they have groups is all that is kept
  Values values;
  values.circular = role == Role::kAngle;
  if (is_tested(role)) put_numbers(values, place, column);
  const sketch::QuantileSketch& numbers = column.numbers();
  profile::add(values.missing, place, column.null() + numbers.nan());
  profile::add(values.infinite, place, numbers.pos_inf() + numbers.neg_inf());
  const sketch::FrequentStrings& strings = column.frequent_strings();
  std::uint64_t rest = strings.n();
  for (const auto& item : strings.items()) {
    const std::uint64_t count = std::min(rest, item.lower);
    const auto cell = static_cast<std::uint32_t>(sketch::hash_of(item.value) % kCells);
    if (count > 0) values.texts.emplace_back(place * kCells + cell, count);
    rest -= count;
  }
  if (rest > 0) values.texts.emplace_back(place * kCells, rest);  // no longer listed
  sum_equal(values.texts);
  const auto found = columns_.find(name);
  if (found == columns_.end()) {
    columns_.emplace(std::string(name), std::move(values));
  } else {
    profile::merge(found->second, values);
  }
  fold();
}

void GroupMoments::add(Place place, std::string_view prefix, std::uint64_t measured,
                       const std::map<ExifPolicy, std::uint64_t>& exif_read) {
  place = folded(place);
  use(place);
  const auto found = images_.find(prefix);
  Images& images = found == images_.end() ? images_[std::string(prefix)] : found->second;
  profile::add(images.measured, place, measured);
  for (const auto& [policy, count] : exif_read) {
    profile::add(images.exif_read[policy], place, count);
  }
  fold();
}

void GroupMoments::merge(const GroupMoments& other) {
  GroupMoments more = other;
  while (more.folds_ < folds_) more.halve();
  while (folds_ < more.folds_) halve();
  for (const Place place : more.in_use_) use(place);
  for (auto& [name, values] : more.columns_) {
    const auto [place, added] = columns_.try_emplace(name, std::move(values));
    if (!added) profile::merge(place->second, values);
  }
  for (const auto& [prefix, images] : more.images_) {
    Images& sum = images_[prefix];
    add_all(sum.measured, images.measured);
    for (const auto& [policy, counts] : images.exif_read) add_all(sum.exif_read[policy], counts);
  }
  fold();
}

// As often as it takes. How often depends on all groups only, and not on their order.
void GroupMoments::fold() {
  const auto too_many = [&] {
    const bool single = !in_use_.empty() && in_use_.back() == kSingle;
    return in_use_.size() - (single ? 1 : 0) > kMost;
  };
  while (too_many()) halve();
}

void GroupMoments::halve() {
  ++folds_;
  const auto fold_counts = [&](Counts& counts, std::uint32_t cells) {
    for (auto& [key, count] : counts) key = folded(key / cells) * cells + key % cells;
    sum_equal(counts);
  };
  for (Place& place : in_use_) place = folded(place);
  std::ranges::sort(in_use_);
  in_use_.erase(std::unique(in_use_.begin(), in_use_.end()), in_use_.end());
  for (auto& [name, values] : columns_) {
    std::vector<Mean> means;
    means.swap(values.means);
    for (Mean& mean : means) {
      mean.place = folded(mean.place);
      insert(values, mean);
    }
    fold_counts(values.missing, 1);
    fold_counts(values.infinite, 1);
    fold_counts(values.texts, kCells);
  }
  for (auto& [prefix, images] : images_) {
    fold_counts(images.measured, 1);
    for (auto& [policy, counts] : images.exif_read) fold_counts(counts, 1);
  }
}

}  // namespace lightmeter::profile
