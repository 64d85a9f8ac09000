#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "meaning.hpp"
#include "profile/group_moments.hpp"
#include "profile/profile.hpp"

namespace lightmeter::profile {

// What a profile knows of a feature by group: an item for each bucket that names of groups are
// hashed to, and at the end one for values that are a group each.
struct Grouped {
  std::vector<double> n;  // finite numbers
  std::vector<double> x;  // their mean, see GroupMoments::Mean
  std::vector<double> y;
  std::vector<double> missing;  // as Profile::missing counts them
  std::vector<double> infinite;
  std::map<std::uint32_t, std::vector<double>> texts;  // by the cell that they are hashed to
  GroupMoments::Squares within{};                      // see GroupMoments::Values
  GroupMoments::Squares single{};
};

// Of a feature that the profile lacks as of one that no image has.
[[nodiscard]] Grouped grouped(const Profile& profile, std::string_view name,
                              const Meaning& meaning);

}  // namespace lightmeter::profile
