#include "profile/grouped.hpp"

#include <algorithm>
#include <cstddef>

namespace lightmeter::profile {

namespace {

using Table = std::vector<double>;

double& at(Table& table, Bucket bucket) { return bucket == kSingle ? table.back() : table[bucket]; }

void add(Table& table, const PerBucket& counts) {
  for (const auto& entry : counts.entries()) {
    at(table, entry.bucket) += static_cast<double>(entry.n);
  }
}

// What is not stored as missing, as in Profile::missing: of failures the images that did not fail;
// of an Exif tag the images that were read, less the `present` values.
void add_unstored(Table& missing, const Profile& profile, std::string_view name,
                  const Meaning& meaning, const Table& present) {
  const std::size_t dot = name.rfind('.');
  const auto& images = profile.by_group().images();
  const auto found = images.find(name.substr(0, dot));
  if (found == images.end()) return;
  if (meaning.role == Role::kFailure) add(missing, found->second.measured);
  if (!meaning.is_exif()) return;
  const bool personal = meaning.origin == Origin::kPersonalExif;
  Table read(missing.size());
  for (const auto& [policy, counts] : found->second.exif_read) {
    if (policy.tracks(name.substr(dot + 1), personal)) add(read, counts);
  }
  for (std::size_t i = 0; i < read.size(); ++i) missing[i] += std::max(0.0, read[i] - present[i]);
}

}  // namespace

Grouped grouped(const Profile& profile, std::string_view name, const Meaning& meaning) {
  const GroupMoments& groups = profile.by_group();
  const auto found = groups.columns().find(name);
  const GroupMoments::Values values =
      found == groups.columns().end() ? GroupMoments::Values() : found->second;
  const Table none(std::size_t{groups.buckets()} + 1);
  Grouped result{none, none, none, none, none, {}, values.means.within(), values.means.single()};
  for (const auto& mean : values.means.entries()) {
    at(result.n, mean.bucket) = static_cast<double>(mean.n);
    at(result.x, mean.bucket) = mean.x;
    at(result.y, mean.bucket) = mean.y;
  }
  add(result.missing, values.missing);
  add(result.infinite, values.infinite);
  Table present = result.n;
  add(present, values.infinite);
  for (const auto& [cell, counts] : values.texts) {
    add(result.texts.emplace_back(cell, none).second, counts);
    add(present, counts);
  }
  add_unstored(result.missing, profile, name, meaning, present);
  return result;
}

}  // namespace lightmeter::profile
