#include <cmath>
#include <optional>

#include "arrays.hpp"
#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "profile/grouped.hpp"

namespace {

using lightmeter::profile::Profile;

py::dict grouped(const Profile& profile, const std::string& name, const std::string& role,
                 const std::string& origin) {
  const auto groups =
      lightmeter::profile::grouped(profile, name, {role_of(role), origin_of(origin)});
  py::list texts;
  for (const auto& [cell, counts] : groups.texts) {
    texts.append(py::make_tuple(cell, as_array(counts)));
  }
  using namespace py::literals;
  return py::dict("n"_a = as_array(groups.n), "x"_a = as_array(groups.x),
                  "y"_a = as_array(groups.y), "within"_a = groups.within,
                  "single"_a = groups.single, "missing"_a = as_array(groups.missing),
                  "infinite"_a = as_array(groups.infinite), "texts"_a = texts);
}

}  // namespace

void bind_groups(py::class_<Profile>& profile) {
  profile
      .def(
          "merge_group",
          [](Profile& self, const std::optional<std::string>& group, const Profile& part) {
            self.merge_group(group, part);
          },
          py::arg("group"), py::arg("part"),
          "As merge, of what was logged of one group; of None, each value is a group.")
      .def_property_readonly(
          "has_groups", [](const Profile& self) { return !self.by_group().empty(); },
          "Whether anything was logged with a group.")
      .def_property_readonly(
          "groups", [](const Profile& self) { return std::llround(self.by_group().groups()); },
          "How many named groups there are, about.")
      .def("grouped", &grouped, py::arg("name"), py::arg("role"), py::arg("origin"),
           "Numbers and counts of a feature by hashed group: an item for each place that names of "
           "groups are hashed to, and at the end one for values that are a group each.");
}
