#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "profile/profile.hpp"

namespace {

using lightmeter::profile::GroupMoments;
using lightmeter::profile::Meaning;
using lightmeter::profile::Profile;
using lightmeter::profile::Role;

// A number for each place, and at the end one for what is a group each.
class Table {
 public:
  explicit Table(GroupMoments::Place places) : places_(places), values_(std::size_t{places} + 1) {}

  double& operator[](GroupMoments::Place place) {
    return values_[place == GroupMoments::kSingle ? places_ : place];
  }
  void add(const GroupMoments::Counts& counts, std::uint32_t cells = 1, double sign = 1.0) {
    for (const auto& [key, count] : counts) {
      (*this)[key / cells] += sign * static_cast<double>(count);
    }
  }
  void at_least_zero() {
    for (double& value : values_) value = std::max(value, 0.0);
  }
  [[nodiscard]] py::array_t<double> array() const {
    return py::array_t<double>(static_cast<py::ssize_t>(values_.size()), values_.data());
  }

 private:
  GroupMoments::Place places_;
  std::vector<double> values_;
};

// The missing values that are not stored, see Profile::missing.
void add_unstored(Table& missing, const Profile& profile, const std::string& name,
                  const Meaning& meaning, const GroupMoments::Values& values) {
  const std::size_t dot = name.rfind('.');
  const auto& images = profile.by_group().images();
  const auto found = images.find(name.substr(0, dot));
  if (found == images.end()) return;
  if (meaning.role == Role::kFailure) missing.add(found->second.measured);
  if (!meaning.is_exif()) return;
  const bool personal = meaning.origin == lightmeter::profile::Origin::kPersonalExif;
  for (const auto& [policy, counts] : found->second.exif_read) {
    if (policy.tracks(std::string_view(name).substr(dot + 1), personal)) missing.add(counts);
  }
  for (const auto& mean : values.means) missing[mean.place] -= static_cast<double>(mean.n);
  missing.add(values.infinite, 1, -1.0);
  missing.add(values.texts, GroupMoments::kCells, -1.0);
  missing.at_least_zero();
}

py::dict grouped(const Profile& profile, const std::string& name, const std::string& role,
                 const std::string& origin) {
  const GroupMoments& groups = profile.by_group();
  const auto found = groups.columns().find(name);
  static const GroupMoments::Values kNothing;
  const GroupMoments::Values& values = found == groups.columns().end() ? kNothing : found->second;
  const GroupMoments::Place places = groups.places();
  Table n(places), x(places), y(places), missing(places), infinite(places);
  for (const auto& mean : values.means) {
    n[mean.place] = static_cast<double>(mean.n);
    x[mean.place] = mean.x;
    y[mean.place] = mean.y;
  }
  missing.add(values.missing);
  infinite.add(values.infinite);
  add_unstored(missing, profile, name, {role_of(role), origin_of(origin)}, values);
  std::map<std::uint32_t, Table> cells;
  for (const auto& [key, count] : values.texts) {
    const auto cell = cells.try_emplace(key % GroupMoments::kCells, places).first;
    cell->second[key / GroupMoments::kCells] += static_cast<double>(count);
  }
  py::list texts;
  for (const auto& [cell, counts] : cells) texts.append(py::make_tuple(cell, counts.array()));
  using namespace py::literals;
  return py::dict("n"_a = n.array(), "x"_a = x.array(), "y"_a = y.array(),
                  "within"_a = values.within, "single"_a = values.single,
                  "missing"_a = missing.array(), "infinite"_a = infinite.array(),
                  "texts"_a = texts);
}

}  // namespace

void bind_groups(py::class_<Profile>& profile) {
  profile
      .def(
          "merge_group",
          [](Profile& self, const std::optional<std::string>& group, const Profile& part) {
            return self.merge_group(group, part);
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
