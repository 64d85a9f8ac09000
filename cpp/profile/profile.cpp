#include "profile/profile.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "sketch/limits.hpp"

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
  ImageGroup& images = groups_[std::string(prefix)];
  sketch::check_sum(images.observations(), more.observations());
  images.merge(more);
}

void Profile::log_vector(std::string_view name, std::span<const double> vector, Origin origin) {
  Column& feature = column(name, {Role::kVector, origin});
  const auto [place, added] = vectors_.try_emplace(std::string(name), name);
  if (place->second.update(vector)) return;
  if (added) vectors_.erase(place);
  feature.update_null();
}

const Vectors* Profile::vectors(std::string_view name) const { return find_in(vectors_, name); }

Joint& Profile::joint(std::string_view prefix) { return joints_[std::string(prefix)]; }

std::uint64_t Profile::missing(std::string_view name) const {
  const Column* column = find(name);
  if (column == nullptr) return 0;
  const ImageGroup* group = find_in(groups_, name.substr(0, name.rfind('.')));
  if (group == nullptr) return column->null();
  return column->null() + group->unstored(name, column->meaning(), column->values());
}

std::uint64_t Profile::exif_read(std::string_view name, bool personal) const {
  const ImageGroup* group = find_in(groups_, name.substr(0, name.rfind('.')));
  return group == nullptr ? 0 : group->tracked(name, personal);
}

void Profile::forget_exemplars() {
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
  failures.merge(other.failures);
  decoders.merge(other.decoders);
  tags.merge(other.tags);
  if (const auto theirs = other.dataset_timestamp) {
    dataset_timestamp = std::min(dataset_timestamp.value_or(*theirs), *theirs);
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
