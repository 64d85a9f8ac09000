#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "meaning.hpp"
#include "profile/group_moments.hpp"
#include "profile/profile.hpp"

namespace lightmeter::profile {

// What a profile knows of a feature by group: an item for each bucket that names of groups are
// hashed to, and at the end one for values that are a group each.
struct Grouped {
  std::vector<double> n;  // finite numbers
  std::vector<double> x;  // their mean, see PerBucket::Entry
  std::vector<double> y;
  std::vector<double> missing;  // as Profile::missing counts them
  std::vector<double> infinite;
  std::vector<std::pair<std::uint32_t, std::vector<double>>> texts;  // by rising cell
  Squares within{};                                                  // see PerBucket
  Squares single{};
};

// Of a feature that the profile lacks as of one that no image has.
[[nodiscard]] Grouped grouped(const Profile& profile, std::string_view name,
                              const Meaning& meaning);

}  // namespace lightmeter::profile
