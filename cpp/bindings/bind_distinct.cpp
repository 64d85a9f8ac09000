#include "lightmeter/sketch/distinct.hpp"

#include "arrays.hpp"
#include "sketches.hpp"

using lightmeter::sketch::DistinctCount;

namespace {

using Registers = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;
using Elsewhere = std::tuple<double, double, double>;

py::dict distinct_state(const DistinctCount& sketch) {
  const DistinctCount::State state = sketch.state();
  py::dict dict;
  dict["hashes"] = as_array(state.hashes);
  dict["registers"] = as_array(state.registers);
  const auto& [lower, estimate, upper] = state.elsewhere;
  dict["elsewhere"] = py::make_tuple(lower, estimate, upper);
  return dict;
}

DistinctCount distinct_from(const py::dict& dict) {
  DistinctCount::State state;
  state.hashes = as_vector(counts_of(field<py::object>(dict, "hashes")));
  state.registers = as_vector(field<Registers>(dict, "registers"));
  const auto [lower, estimate, upper] = field<Elsewhere>(dict, "elsewhere");
  state.elsewhere = {lower, estimate, upper};
  return DistinctCount::from_state(state);
}

}  // namespace

void bind_distinct(py::module_& module) {
  bind_keyless<DistinctCount>(module, "DistinctCount", "How many different values a stream holds.")
      .def(py::init())
      .def(
          "update", [](DistinctCount& self, std::string_view value) { self.update(value); },
          py::arg("value"))
      .def(
          "update", [](DistinctCount& self, std::int64_t value) { self.update(value); },
          py::arg("value"))
      .def(
          "update", [](DistinctCount& self, double value) { self.update(value); }, py::arg("value"))
      .def_static(
          "estimated",
          [](double lower, double estimate, double upper) {
            return DistinctCount::estimated({lower, estimate, upper});
          },
          py::arg("lower"), py::arg("estimate"), py::arg("upper"),
          "What a sketch of another kind counted, with its bounds at one standard error. It can "
          "be\n"
          "merged, but not told apart from what others counted.")
      .def_property_readonly("is_exact", &DistinctCount::is_exact)
      .def_property_readonly("estimate", &DistinctCount::estimate)
      .def("lower", &DistinctCount::lower, py::arg("deviations") = 1.0)
      .def("upper", &DistinctCount::upper, py::arg("deviations") = 1.0)
      .def("state", &distinct_state,
           "`hashes` (uint64, rising, while exact), `registers` (uint8, beyond), and `elsewhere`:\n"
           "(lower, estimate, upper) of what sketches of other kinds counted.")
      .def_static("from_state", &distinct_from, py::arg("state"),
                  "One of that state; DecodeError for one that no sketch has.");
}
