#include "profile/profile.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "sketch/limits.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

// Null if there is none.
template <class Map>
const typename Map::mapped_type* find_in(const Map& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

// IncompatibleError if a sum of both sides' counts would be above 2^56.
template <class Map>
void check_sums(const Map& own, const Map& more) {
  for (const auto& [name, part] : more) {
    if (const auto* same = find_in(own, name)) {
      sketch::check_sum(same->observations(), part.observations());
    }
  }
}

template <class Map>
void merge_all(Map& own, const Map& more) {
  for (const auto& [name, part] : more) {
    const auto [place, added] = own.try_emplace(name, part);
    if (!added) place->second.merge(part);
  }
}

}  // namespace

Profile::Columns::iterator Profile::place_of(std::string_view name, const Meaning& meaning) {
  auto place = columns_.lower_bound(name);
  if (place == columns_.end() || place->first != name) {
    wire::check_text(name);
    place = columns_.emplace_hint(place, std::string(name), Column(name));
  }
  place->second.add_meaning(meaning);
  return place;
}

Column& Profile::column(std::string_view name, const Meaning& meaning) {
  return place_of(name, meaning)->second;
}

// Columns are never removed, so places stay valid.
Column& Profile::column(std::size_t i, std::string_view name, const Meaning& meaning) {
  if (i < places_.size() && places_[i]->first == name) {
    places_[i]->second.add_meaning(meaning);
    return places_[i]->second;
  }
  const auto place = place_of(name, meaning);
  places_.resize(std::max(places_.size(), i + 1), place);
  places_[i] = place;
  return place->second;
}

const Column* Profile::find(std::string_view name) const { return find_in(columns_, name); }

void Profile::count_images(std::string_view prefix, const ImageGroup& more) {
  wire::check_text(prefix);
  for (const auto& [policy, read] : more.exif_read) {
    for (const auto* names : {&policy.allow, &policy.deny}) {
      for (const std::string& tag : *names) wire::check_text(tag);
    }
  }
  ImageGroup& images = groups_[std::string(prefix)];
  sketch::check_sum(images.observations(), more.observations());
  images.merge(more);
}

void Profile::add_types(std::string_view name, const Types& more) {
  if (more.bools + more.dates == 0) return;
  Types types = this->types(name);
  types.merge(more);
  const Column* column = find(name);
  if (column == nullptr || !types.fit(*column)) {
    throw std::invalid_argument("got more bools or dates than numbers");
  }
  types_.insert_or_assign(std::string(name), types);
}

Types Profile::types(std::string_view name) const {
  const Types* types = find_in(types_, name);
  return types == nullptr ? Types() : *types;
}

void Profile::log_vector(std::string_view name, std::span<const double> vector, Origin origin) {
  Column& feature = column(name, {Role::kVector, origin});
  const auto [place, added] = vectors_.try_emplace(std::string(name), name);
  if (place->second.update(vector)) return;
  if (added) vectors_.erase(place);
  feature.update_null();
}

const Vectors* Profile::vectors(std::string_view name) const { return find_in(vectors_, name); }

Joint& Profile::joint(std::string_view prefix) {
  wire::check_text(prefix);
  return joints_[std::string(prefix)];
}

// Of the years 1 to 9999, which are those of calendars in general and of Python's datetime.
bool Profile::is_date(std::int64_t timestamp) noexcept {
  constexpr std::int64_t kLeast = -62'135'596'800'000, kEnd = 253'402'300'800'000;
  return timestamp >= kLeast && timestamp < kEnd;
}

void Profile::set_dataset_timestamp(std::optional<std::int64_t> timestamp) {
  if (timestamp && !is_date(*timestamp)) {
    throw std::invalid_argument("got a dataset timestamp of " + std::to_string(*timestamp) +
                                " ms since 1970; expected one of the years 1 to 9999");
  }
  dataset_timestamp_ = timestamp;
}

std::uint64_t Profile::missing(std::string_view name) const {
  const Column* column = find(name);
  if (column == nullptr) return 0;
  const ImageGroup* group = find_in(groups_, name.substr(0, name.rfind('.')));
  if (group == nullptr) return column->null();
  return column->null() + group->unstored(name, column->meaning(), column->values());
}

std::uint64_t Profile::values(std::string_view name) const {
  const Column* column = find(name);
  const Vectors* vectors = this->vectors(name);
  return (column == nullptr ? 0 : column->values()) +
         (vectors == nullptr ? 0 : vectors->observations());
}

std::uint64_t Profile::exif_read(std::string_view name, bool personal) const {
  const ImageGroup* group = find_in(groups_, name.substr(0, name.rfind('.')));
  return group == nullptr ? 0 : group->tracked(name, personal);
}

void Profile::forget_pictures() {
  exemplars = {};
  failures = {};
  for (auto& [name, column] : columns_) column.forget_paths();
}

void Profile::merge(const Profile& other) {
  if (&other == this) return merge(Profile(other));
  check_sums(columns_, other.columns_);
  check_sums(groups_, other.groups_);
  check_sums(vectors_, other.vectors_);
  check_sums(joints_, other.joints_);
  merge_all(columns_, other.columns_);
  merge_all(groups_, other.groups_);
  merge_all(vectors_, other.vectors_);
  merge_all(joints_, other.joints_);
  merge_all(readings_, other.readings_);  // no more than images
  merge_all(types_, other.types_);        // no more than numbers
  failures.merge(other.failures);
  decoders.merge(other.decoders);
  tags.merge(other.tags);
  if (const auto theirs = other.dataset_timestamp_) {
    dataset_timestamp_ = std::min(dataset_timestamp_.value_or(*theirs), *theirs);
  }
  exemplars.merge(other.exemplars);
  rows.merge(other.rows);
  by_group_.merge(other.by_group_);
}

void Profile::merge_group(std::optional<std::string_view> group, const Profile& part) {
  if (!part.by_group_.empty()) throw std::invalid_argument("got a part that has groups itself");
  merge(part);
  const Bucket bucket = GroupMoments::bucket_of(group);
  for (const auto& [name, column] : part.columns_) by_group_.add(bucket, name, column);
  for (const auto& [prefix, images] : part.groups_) by_group_.add(bucket, prefix, images);
}

}  // namespace lightmeter::profile
