#include <algorithm>
#include <cstdint>

#include "arrays.hpp"
#include "sketch/quantiles.hpp"
#include "wire/wire.hpp"

namespace {

using lightmeter::sketch::QuantileSketch;

// A copy where the array is not contiguous, or not aligned as the core reads it.
template <class T>
bool update_as(QuantileSketch& sketch, const py::array& array) {
  if (!py::isinstance<py::array_t<T>>(array)) return false;
  using Packed = py::array_t<T, py::array::c_style | py::array::forcecast>;
  auto packed = converted<Packed>(array);
  if (reinterpret_cast<std::uintptr_t>(packed.data()) % alignof(T) != 0) {
    packed = converted<Packed>(array.attr("copy")());
  }
  without_gil(&sketch, [&] { sketch.update(as_span(packed)); });
  return true;
}

// A Python float or int is by far the most frequent argument, so it is tried first.
void update_with(QuantileSketch& sketch, const py::handle& value) {
  if (PyFloat_CheckExact(value.ptr())) return sketch.update(PyFloat_AS_DOUBLE(value.ptr()));
  if (PyLong_CheckExact(value.ptr())) {
    const double number = PyLong_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw std::invalid_argument("got an int too large for a float; expected at most 1.8e308");
    }
    return sketch.update(number);
  }
  if (is_masked(value)) return update_with(sketch, value.attr("compressed")());
  const py::array array = array_of(value, "biuf", "a number or an array of numbers");
  if (update_as<double>(sketch, array) || update_as<float>(sketch, array) ||
      update_as<std::uint8_t>(sketch, array) || update_as<std::uint16_t>(sketch, array)) {
    return;
  }
  update_as<double>(sketch, converted<Doubles>(array));
}

void merge_many(QuantileSketch& sketch, const py::object& others) {
  std::vector<const QuantileSketch*> sketches;
  // One caster: to look up its type for each takes as long as to merge a small sketch.
  ExclusiveCaster<QuantileSketch> caster;
  for (const py::handle other : py::list(others)) {
    if (other.is_none() || !caster.load(other, false)) {
      throw py::type_error("got a " + std::string(Py_TYPE(other.ptr())->tp_name) +
                           "; expected a QuantileSketch");
    }
    sketches.push_back(caster);
  }
  sketch.merge_many(sketches);
}

void update_counts(QuantileSketch& sketch, const py::handle& values, const py::handle& counts) {
  if (is_masked(values) || is_masked(counts)) {
    throw py::type_error("got a masked array; expected values and counts without a mask");
  }
  const py::array numbers = array_of(values, "biuf", "values that are numbers");
  const Counts times = counts_of(counts);
  sketch.update_counts(as_span(converted<Doubles>(numbers)), as_span(times));
}

QuantileSketch decoded(const py::object& data, std::uint64_t key) {
  const py::bytes bytes = bytes_of(data);
  lightmeter::wire::Reader in(as_bytes(bytes));
  QuantileSketch sketch = QuantileSketch::decode(in, key);
  in.expect_end();
  return sketch;
}

py::bytes encoded(const QuantileSketch& sketch) {
  lightmeter::wire::Writer out;
  sketch.encode(out);
  return to_bytes(std::move(out).take());
}

QuantileSketch copied(const QuantileSketch& sketch, const py::args&) { return sketch; }

bool equal(const QuantileSketch& a, const QuantileSketch& b) { return a == b; }

// As a pickle has it.
py::tuple state_of(const QuantileSketch& sketch) {
  return tuple_of({sketch.key(), encoded(sketch)});
}

QuantileSketch from_state(const py::tuple& state) {
  return decoded(state[1], py::cast<std::uint64_t>(state[0]));
}

// What a method says of each number.
template <double (QuantileSketch::*method)(double) const>
Doubles of_each(const QuantileSketch& sketch, const Doubles& numbers) {
  Doubles result(numbers.size());
  std::ranges::transform(as_span(numbers), result.mutable_data(),
                         [&](double number) { return (sketch.*method)(number); });
  return result;
}

py::tuple weights(const QuantileSketch& sketch) {
  const auto& view = sketch.view();
  Counts weights(static_cast<py::ssize_t>(view.values.size()));
  for (std::size_t i = 0; i < view.values.size(); ++i) weights.mutable_data()[i] = view.weight(i);
  return tuple_of({as_array(view.values), weights});
}

}  // namespace

// The one class here that users see: what its methods do stands in their help.
void bind_quantiles(py::module_& module) {
  py::class_<QuantileSketch>(
      module, "QuantileSketch",
      "The distribution of a stream of numbers: quantiles and ranks, mergeable.\n\n"
      "Exact while n <= 1024 or while there are at most 256 distinct values; beyond, a KLL sketch\n"
      "whose error() is a bound. NaN and infinities are counted apart from n. -0.0 is 0.0.\n"
      "While a thread updates it by an array, any use in another is a RuntimeError.\n"
      "Sketches that will be merged or compared should have unlike keys: the coins of KLL mode\n"
      "depend on the key and the values.")
      .def(py::init<std::uint64_t>(), py::arg("key") = 0)
      .def("__copy__", &copied)
      .def("__deepcopy__", &copied)
      .def(py::pickle(&state_of, &from_state))
      .def("__eq__", &equal, py::is_operator())
      .def("to_bytes", &encoded, py::doc("Encode; equal sketches give equal bytes."))
      .def_static(
          "from_bytes", &decoded, py::arg("data"), py::arg("key") = 0,
          py::doc("Decode; raises DecodeError unless the bytes are one whole valid sketch. Those\n"
                  "of an exact one do not hold its key, so that equal values give equal bytes."))
      .def("update", &update_with, py::arg("value"),
           py::doc("Add a number, or every number of an array of any shape and strides; what a\n"
                   "NumPy mask hides is left out."))
      .def("update_counts", &update_counts, py::arg("values"), py::arg("counts"),
           py::doc("Add values[i] counts[i] times. Counts are integers from 0."))
      .def("merge", py::overload_cast<const QuantileSketch&>(&QuantileSketch::merge),
           py::arg("other"), py::doc("Add what the other sketch has seen."))
      .def("merge_many", &merge_many, py::arg("others"), py::doc("Merge each of them, faster."))
      .def_property_readonly("n", &QuantileSketch::n, py::doc("Finite numbers seen."))
      .def_property_readonly("nan", &QuantileSketch::nan)
      .def_property_readonly("pos_inf", &QuantileSketch::pos_inf)
      .def_property_readonly("neg_inf", &QuantileSketch::neg_inf)
      .def_property_readonly("min", &QuantileSketch::min, py::doc("Exact; NaN when empty."))
      .def_property_readonly("max", &QuantileSketch::max, py::doc("Exact; NaN when empty."))
      .def_property_readonly("is_exact", &QuantileSketch::is_exact)
      .def("error", &QuantileSketch::error, py::arg("delta") = 0.01,
           py::doc("With probability 1 - delta all ranks are within this fraction of n; 0 while "
                   "exact."))
      .def("quantiles", &of_each<&QuantileSketch::quantile>, py::arg("q"),
           py::doc("For each q in [0, 1] the item sorted[min(floor(q n), n - 1)]; NaN when empty."))
      .def("ranks", &of_each<&QuantileSketch::rank>, py::arg("x"),
           py::doc("For each x the fraction of the numbers that are <= x."))
      .def("weights", &weights,
           py::doc("The distinct values kept, rising (float64), and how many numbers each stands\n"
                   "for (uint64); while exact these are all there are."))
      .def_static("from_levels", &QuantileSketch::from_levels, py::arg("levels"), py::arg("least"),
                  py::arg("greatest"), py::arg("ranks"), py::arg("key") = 0,
                  py::doc("A sample that another program took: values of weight 2^h at level h.\n"
                          "Ranks were measured to be off by at most `ranks`, with a probability of "
                          ".99."));
}
