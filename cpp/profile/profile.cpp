#include "profile/profile.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "sketch/limits.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

std::uint64_t ImageGroup::all_exif_read() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [policy, read] : exif_read) sum += read;
  return sum;
}

Column& Profile::column(std::string_view name, const Meaning& meaning) {
  const auto found = columns_.find(name);
  if (found != columns_.end()) {
    found->second.add_meaning(meaning);
    return found->second;
  }
  wire::check_text(name);
  return columns_.emplace(std::string(name), Column(name, meaning)).first->second;
}

// Columns are never removed, so places stay valid.
Column& Profile::column(std::size_t i, std::string_view name, const Meaning& meaning) {
  std::vector<Columns::iterator>& places = row_.places;
  if (i < places.size() && places[i]->first == name) {
    places[i]->second.add_meaning(meaning);
    return places[i]->second;
  }
  Column& found = column(name, meaning);
  if (i == places.size()) places.emplace_back();
  if (i < places.size()) places[i] = columns_.find(name);
  return found;
}

Column& Profile::column_of_image(std::size_t i, std::string_view prefix, std::string_view name,
                                 const Meaning& meaning) {
  std::vector<Columns::iterator>& places = image_.places;
  const auto is_its_name = [&](std::string_view full) {
    return full.size() == prefix.size() + 1 + name.size() && full[prefix.size()] == '.' &&
           full.ends_with(name) && full.starts_with(prefix);
  };
  if (i < places.size() && is_its_name(places[i]->first)) {
    places[i]->second.add_meaning(meaning);
    return places[i]->second;
  }
  std::string full;
  full.reserve(prefix.size() + 1 + name.size());
  full.append(prefix).append(".").append(name);
  Column& made = column(full, meaning);
  if (i == places.size()) places.emplace_back();
  if (i < places.size()) places[i] = columns_.find(full);
  return made;
}

const Column* Profile::find(std::string_view name) const {
  const auto found = columns_.find(name);
  return found == columns_.end() ? nullptr : &found->second;
}

ImageGroup& Profile::group(std::string_view prefix) {
  const auto place = groups_.find(prefix);
  if (place != groups_.end()) return place->second;
  wire::check_text(prefix);
  return groups_[std::string(prefix)];
}

void Profile::count_image(std::string_view prefix, std::uint64_t count) {
  ImageGroup& images = group(prefix);
  sketch::check_sum(images.images, count);
  images.images += count;
}

void Profile::count_exif_read(std::string_view prefix, ExifPolicy policy, std::uint64_t count) {
  if (count == 0) return;
  for (const auto* tags : {&policy.allow, &policy.deny}) {
    for (const std::string& tag : *tags) wire::check_text(tag);
  }
  ImageGroup& images = group(prefix);
  sketch::check_sum(images.all_exif_read(), count);
  images.exif_read[std::move(policy)] += count;
}

void Profile::log_vector(std::string_view name, std::span<const double> vector, Origin origin) {
  Column& feature = column(name, {Role::kVector, origin});
  auto place = vectors_.find(name);
  if (place == vectors_.end()) {
    Vectors vectors(name);
    if (!vectors.update(vector)) return feature.update_null();
    vectors_.emplace(std::string(name), std::move(vectors));
  } else if (!place->second.update(vector)) {
    feature.update_null();
  }
}

const Vectors* Profile::vectors(std::string_view name) const {
  const auto place = vectors_.find(name);
  return place == vectors_.end() ? nullptr : &place->second;
}

Joint& Profile::joint(std::string_view prefix) {
  const auto place = joints_.find(prefix);
  if (place != joints_.end()) return place->second;
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
  const auto group = groups_.find(name.substr(0, name.rfind('.')));
  if (group == groups_.end()) return column->null();
  const Meaning& meaning = column->meaning();
  if (meaning.role == Role::kFailure) return column->null() + group->second.images;
  if (!meaning.is_exif()) return column->null();
  const std::uint64_t read = exif_read(name, meaning.origin == Origin::kPersonalExif);
  return column->null() + read - std::min(read, column->values());
}

std::uint64_t Profile::values(std::string_view name) const {
  const Column* column = find(name);
  const Vectors* vectors = this->vectors(name);
  return (column == nullptr ? 0 : column->values()) + (vectors == nullptr ? 0 : vectors->n());
}

std::uint64_t Profile::exif_read(std::string_view name, bool personal) const {
  const std::size_t dot = name.rfind('.');
  const auto group = groups_.find(name.substr(0, dot));
  if (group == groups_.end()) return 0;
  std::uint64_t read = 0;
  for (const auto& [policy, images] : group->second.exif_read) {
    if (policy.tracks(name.substr(dot + 1), personal)) read += images;
  }
  return read;
}

void Profile::forget_pictures() {
  exemplars = {};
  failures = {};
  for (auto& [name, column] : columns_) column.forget_paths();
  unknown_.clear();
}

std::size_t Profile::merge(const Profile& other) {
  if (&other == this) return merge(Profile(other));
  for (const auto& [name, column] : other.columns_) {
    if (const Column* own = find(name)) {
      sketch::check_sum(own->observations(), column.observations());
    }
  }
  for (const auto& [prefix, more] : other.groups_) {
    const auto own = groups_.find(prefix);
    if (own == groups_.end()) continue;
    sketch::check_sum(own->second.images, more.images);
    sketch::check_sum(own->second.all_exif_read(), more.all_exif_read());
  }
  for (const auto& [name, more] : other.vectors_) {
    const Vectors* own = vectors(name);
    if (own != nullptr) sketch::check_sum(own->n(), more.n());
  }
  for (const auto& [prefix, more] : other.joints_) {
    const auto own = joints_.find(prefix);
    if (own != joints_.end()) sketch::check_sum(own->second.observations(), more.observations());
  }
  for (const auto& [name, column] : other.columns_)
    this->column(name, column.meaning()).merge(column);
  for (const auto& [prefix, more] : other.groups_) {
    ImageGroup& sum = group(prefix);
    sum.images += more.images;
    for (const auto& [policy, read] : more.exif_read) sum.exif_read[policy] += read;
  }
  for (const auto& [name, more] : other.vectors_) {
    const auto [place, added] = vectors_.try_emplace(name, more);
    if (!added) place->second.merge(more);
  }
  for (const auto& [prefix, more] : other.joints_) {
    const auto [place, added] = joints_.try_emplace(prefix, more);
    if (!added) place->second.merge(more);
  }
  failures.merge(other.failures);
  decoders.merge(other.decoders);
  if (const auto theirs = other.dataset_timestamp_) {
    dataset_timestamp_ = std::min(dataset_timestamp_.value_or(*theirs), *theirs);
  }
  exemplars.merge(other.exemplars);
  rows.merge(other.rows);
  if (!other.by_group_.empty()) by_group_.merge(other.by_group_);
  const std::size_t dropped = unknown_.size() + other.unknown_.size();
  unknown_.clear();
  return dropped;
}

std::size_t Profile::merge_group(std::optional<std::string_view> group, const Profile& part) {
  if (!part.by_group_.empty()) throw std::invalid_argument("got a part that has groups itself");
  const std::size_t dropped = merge(part);
  const GroupMoments::Place place = GroupMoments::place_of(group);
  for (const auto& [name, column] : part.columns_) by_group_.add(place, name, column);
  for (const auto& [prefix, images] : part.groups_) {
    by_group_.add(place, prefix, images.images, images.exif_read);
  }
  return dropped;
}

}  // namespace lightmeter::profile
