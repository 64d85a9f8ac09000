#include <cmath>
#include <optional>

#include "arrays.hpp"
#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "profile/grouped.hpp"

namespace {

using lightmeter::profile::Profile;

// Numbers and counts of a feature by hashed group: an item for each place that names of groups are
// hashed to, and at the end one for values that are a group each.
py::dict grouped(const Profile& profile, const std::string& name, const std::string& role,
                 const std::string& origin) {
  const auto groups = lightmeter::profile::grouped(profile, name, meaning_of(role, origin));
  py::list texts;
  for (const auto& [cell, counts] : groups.texts) {
    texts.append(tuple_of({cell, as_array(counts)}));
  }
  py::dict result;
  result["n"] = as_array(groups.n);
  result["x"] = as_array(groups.x);
  result["y"] = as_array(groups.y);
  result["within"] = groups.within;
  result["single"] = groups.single;
  result["missing"] = as_array(groups.missing);
  result["infinite"] = as_array(groups.infinite);
  result["texts"] = texts;
  return result;
}

// Whether anything was logged with a group.
bool has_groups(const Profile& profile) { return !profile.by_group().empty(); }

// How many named groups there are, about.
std::int64_t groups(const Profile& profile) { return std::llround(profile.by_group().groups()); }

}  // namespace

void bind_groups(BoundProfile& profile) {
  profile.def("merge_group", &Profile::merge_group)
      .def_property_readonly("has_groups", &has_groups)
      .def_property_readonly("groups", &groups)
      .def("grouped", &grouped);
}
