#include "arrays.hpp"
#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "profile/profile.hpp"
#include "sketch/covariance.hpp"
#include "sketch/projections.hpp"

namespace {

using lightmeter::profile::Profile;
using lightmeter::sketch::Covariance;
using lightmeter::sketch::ExactSums;

std::span<const double> row_of(const Doubles& rows, py::ssize_t row) {
  return {rows.data() + row * rows.shape(1), static_cast<std::size_t>(rows.shape(1))};
}

void check_table(const Doubles& rows) {
  if (rows.ndim() == 2) return;
  throw std::invalid_argument("got an array of " + std::to_string(rows.ndim()) +
                              " dimensions; expected two: a row for each vector");
}

py::list sums(const Covariance& self) {
  const ExactSums all = self.sums();
  const auto from_bytes =
      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyLong_Type))
          .attr("from_bytes");
  py::list result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto bytes = all.bytes(i);
    const py::bytes data(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    result.append(from_bytes(data, "little", py::arg("signed") = true));
  }
  return result;
}

py::tuple vectors(const Profile& profile, const std::string& name) {
  py::dict by_length;
  const auto* const vectors = profile.vectors(name);
  if (vectors == nullptr) return py::make_tuple(by_length, 0);
  for (const auto& [length, covariance] : vectors->by_length()) {
    by_length[py::int_(length)] = covariance;
  }
  return py::make_tuple(by_length, vectors->others());
}

py::object joint(const Profile& profile, const std::string& prefix) {
  const auto place = profile.joints().find(prefix);
  if (place == profile.joints().end()) return py::none();
  const auto& joint = place->second;
  return py::make_tuple(joint.names(), joint.covariance(), joint.left_out());
}

}  // namespace

void bind_covariance(py::module_& module) {
  py::class_<Covariance>(module, "Covariance", "Count, means and covariances of rows of numbers.")
      .def(
          "__eq__", [](const Covariance& a, const Covariance& b) { return a == b; },
          py::is_operator(), py::arg("other"))
      .def_property_readonly("n", &Covariance::n)
      .def_property_readonly("dimensions", &Covariance::dimensions)
      .def(
          "picked",
          [](const Covariance& self, const std::vector<std::size_t>& places) {
            for (std::size_t i = 0; i < places.size(); ++i) {
              if (places[i] >= self.dimensions() || (i > 0 && places[i] <= places[i - 1])) {
                throw std::invalid_argument("got places that do not rise, or are not there");
              }
            }
            return self.picked(places);
          },
          py::arg("places"), "Of some of the numbers, by rising place.")
      .def("sums", &sums,
           "The sums of each number, then of the products (0, 0), (0, 1), .. (1, 1), .., each in "
           "multiples of 2^-320.")
      .def_property_readonly_static(
          "quantum", [](const py::object&) { return ExactSums::kQuantum; },
          "Of the sums: the exponent of 2.")
      .def_property_readonly_static(
          "projections",
          [](const py::object&) { return lightmeter::sketch::Projections::kProjections; },
          "Numbers that a longer vector is projected to.");
}

void bind_vectors(py::class_<Profile>& profile) {
  profile
      .def(
          "log_vectors",
          [](Profile& self, const std::string& name, const Doubles& rows,
             const std::string& origin) {
            check_table(rows);
            const auto from = origin_of(origin);
            self.column(name, {lightmeter::Role::kVector, from});
            for (py::ssize_t row = 0; row < rows.shape(0); ++row) {
              self.log_vector(name, row_of(rows, row), from);
            }
          },
          py::arg("name"), py::arg("rows"), py::arg("origin") = "value",
          "Add a vector for each row of an array. Those that are not finite or empty, or that are "
          "too long or too large, are missing values.")
      .def("vectors", &vectors, py::arg("name"),
           "({length: covariance of the projections}, vectors of other lengths) of a feature.")
      .def_property_readonly("joint_prefixes",
                             [](const Profile& self) {
                               std::vector<std::string> prefixes;
                               for (const auto& [prefix, _] : self.joints()) {
                                 prefixes.push_back(prefix);
                               }
                               return prefixes;
                             })
      .def("joint", &joint, py::arg("prefix"),
           "(names, covariance, images left out) of the numbers of images together; or None.");
}
