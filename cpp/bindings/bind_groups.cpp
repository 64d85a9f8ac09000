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

using lightmeter::Meaning;
using lightmeter::Role;
using lightmeter::profile::Bucket;
using lightmeter::profile::GroupMoments;
using lightmeter::profile::kSingle;
using lightmeter::profile::Profile;

// A number for each bucket, and at the end one for what is a group each.
class Table {
 public:
  explicit Table(Bucket buckets) : buckets_(buckets), values_(std::size_t{buckets} + 1) {}

  double& operator[](Bucket bucket) { return values_[bucket == kSingle ? buckets_ : bucket]; }
  template <class Entries>
  void add(const Entries& counts, double sign = 1.0) {
    for (const auto& entry : counts.entries()) {
      (*this)[counts.bucket(entry)] += sign * static_cast<double>(entry.n);
    }
  }
  void at_least_zero() {
    for (double& value : values_) value = std::max(value, 0.0);
  }
  [[nodiscard]] py::array_t<double> array() const {
    return py::array_t<double>(static_cast<py::ssize_t>(values_.size()), values_.data());
  }

 private:
  Bucket buckets_;
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
  const bool personal = meaning.origin == lightmeter::Origin::kPersonalExif;
  for (const auto& [policy, counts] : found->second.exif_read) {
    if (policy.tracks(std::string_view(name).substr(dot + 1), personal)) missing.add(counts);
  }
  missing.add(values.means, -1.0);
  missing.add(values.infinite, -1.0);
  missing.add(values.texts, -1.0);
  missing.at_least_zero();
}

py::dict grouped(const Profile& profile, const std::string& name, const std::string& role,
                 const std::string& origin) {
  const GroupMoments& groups = profile.by_group();
  const auto found = groups.columns().find(name);
  static const GroupMoments::Values kNothing;
  const GroupMoments::Values& values = found == groups.columns().end() ? kNothing : found->second;
  const Bucket buckets = groups.buckets();
  Table n(buckets), x(buckets), y(buckets), missing(buckets), infinite(buckets);
  n.add(values.means);
  for (const auto& mean : values.means.entries()) {
    x[mean.key] = mean.x;
    y[mean.key] = mean.y;
  }
  missing.add(values.missing);
  infinite.add(values.infinite);
  add_unstored(missing, profile, name, {role_of(role), origin_of(origin)}, values);
  std::map<std::uint32_t, Table> cells;
  for (const auto& entry : values.texts.entries()) {
    const auto cell = cells.try_emplace(entry.key % GroupMoments::kCells, buckets).first;
    cell->second[values.texts.bucket(entry)] += static_cast<double>(entry.n);
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
           "Numbers and counts of a feature by hashed group: an item for each bucket that names of "
           "groups are hashed to, and at the end one for values that are a group each.");
}
