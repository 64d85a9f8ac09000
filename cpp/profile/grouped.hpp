#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "meaning.hpp"
#include "profile/profile.hpp"

namespace lightmeter::profile {

// xx, yy, xy: sums of squares and of products about the means of groups.
using Squares = std::array<double, 3>;

// What a profile knows of a feature by group: an item for each bucket that names of groups are
// hashed to, and at the end one for values that are a group each. Those without a group are among
// these, unless a sketch no longer holds each value.
struct Grouped {
  std::vector<double> n;        // finite numbers
  std::vector<double> x;        // their mean; of hues the mean cosine
  std::vector<double> y;        // of hues the mean sine, else 0
  std::vector<double> missing;  // as Profile::missing counts them
  std::vector<double> infinite;
  std::map<std::uint32_t, std::vector<double>> texts;  // by cell
  Squares within{};                                    // of all buckets but the last
  Squares single{};                                    // of the last
};

// Of a feature that the profile lacks as of one that no image has.
[[nodiscard]] Grouped grouped(const Profile& profile, std::string_view name,
                              const Meaning& meaning);

}  // namespace lightmeter::profile
