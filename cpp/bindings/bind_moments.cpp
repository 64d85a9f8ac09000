#include "lightmeter/sketch/moments.hpp"

#include "sketches.hpp"

using lightmeter::sketch::Moments;

void bind_moments(py::module_& module) {
  bind_keyless<Moments>(module, "Moments", "Count, mean and spread of a stream of finite numbers.")
      .def(py::init())
      .def(
          "update",
          [](Moments& self, double value, std::uint64_t count) { self.update(value, count); },
          py::arg("value"), py::arg("count") = 1)
      .def_property_readonly("n", &Moments::n)
      .def_property_readonly("mean", &Moments::mean)
      .def_property_readonly("stddev", &Moments::stddev, "Of the sample; 0.0 at n = 1.")
      .def(
          "state",
          [](const Moments& self) {
            const auto state = self.state();
            return py::make_tuple(state.n, state.mean, state.sum_of_squares);
          },
          "(n, mean, sum of the squared distances from it).")
      .def_static(
          "from_state",
          [](const std::tuple<std::uint64_t, double, double>& state) {
            const auto& [n, mean, sum_of_squares] = state;
            return Moments::from_state({n, mean, sum_of_squares});
          },
          py::arg("state"), "One of that state; DecodeError for one that no sketch has.");
}
