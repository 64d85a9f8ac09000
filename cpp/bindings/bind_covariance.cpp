#include <algorithm>

#include "arrays.hpp"
#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "profile/profile.hpp"
#include "sketch/covariance.hpp"
#include "sketch/projections.hpp"

namespace {

using lightmeter::profile::Profile;
using lightmeter::sketch::Covariance;

// Sums of products of two numbers' distances from their means.
py::array_t<double> comoments(const Covariance& self) {
  const auto size = static_cast<py::ssize_t>(self.dimensions());
  py::array_t<double> result({size, size});
  auto square = result.mutable_unchecked<2>();
  const std::vector<double> comoments = self.comoments();
  const double* product = comoments.data();
  for (py::ssize_t i = 0; i < size; ++i) {
    for (py::ssize_t j = i; j < size; ++j) square(i, j) = square(j, i) = *product++;
  }
  return result;
}

bool same(const Covariance& a, const Covariance& b) { return a == b; }

py::array means(const Covariance& self) { return as_array(self.means()); }

// Means less those of the other, also where they are large and close.
py::array means_above(const Covariance& self, const Covariance& other) {
  if (self.dimensions() != other.dimensions()) {
    throw std::invalid_argument("got covariances of unlike dimensions");
  }
  return as_array(self.means_above(other));
}

// Adds a vector for each row of an array. Those that are not finite or empty, or that are too long or
// too large, are missing values.
void log_vectors(Profile& profile, const std::string& name, const Doubles& rows,
                 const std::string& origin) {
  if (rows.ndim() != 2) {
    throw std::invalid_argument("got an array of " + std::to_string(rows.ndim()) +
                                " dimensions; expected two: a row for each vector");
  }
  const auto from = origin_of(origin);
  profile.column(name, {lightmeter::Role::kVector, from});
  for (py::ssize_t row = 0; row < rows.shape(0); ++row) {
    profile.log_vector(
        name, {rows.data() + row * rows.shape(1), static_cast<std::size_t>(rows.shape(1))}, from);
  }
}

// ({length: covariance of the projections}, vectors of other lengths) of a feature.
py::tuple vectors(const Profile& profile, const std::string& name) {
  py::dict by_length;
  const auto* const vectors = profile.vectors(name);
  if (vectors == nullptr) return tuple_of({by_length, 0});
  for (const auto& [length, covariance] : vectors->by_key()) {
    by_length[py::int_(length)] = covariance;
  }
  return tuple_of({by_length, vectors->others()});
}

// (names, covariance, images left out) of the numbers of images together; or None. Of several lists
// of names it is the one of the most images.
py::object joint(const Profile& profile, const std::string& prefix) {
  const auto place = profile.joints().find(prefix);
  if (place == profile.joints().end()) return py::none();
  const auto& joint = place->second;
  const auto has_less = [](const auto& a, const auto& b) { return a.second.n() < b.second.n(); };
  const auto most = std::ranges::max_element(joint.by_key(), has_less);
  if (most == joint.by_key().end()) return py::none();
  const auto& [names, covariance] = *most;
  return tuple_of({names, covariance, joint.observations() - covariance.n()});
}

}  // namespace

void bind_covariance(py::module_& module) {
  py::class_<Covariance> bound(module, "Covariance", "Count, means and covariances of rows.");
  bound.attr("projections") = lightmeter::sketch::Projections::kProjections;
  bound.def("__eq__", &same, py::is_operator())
      .def_property_readonly("n", &Covariance::n)
      .def_property_readonly("means", &means)
      .def_property_readonly("comoments", &comoments)
      .def("means_above", &means_above);
}

void bind_vectors(BoundProfile& profile) {
  profile
      .def("log_vectors", &log_vectors, py::arg("name"), py::arg("rows"),
           py::arg("origin") = "value")
      .def("vectors", &vectors)
      .def("joint", &joint);
}
