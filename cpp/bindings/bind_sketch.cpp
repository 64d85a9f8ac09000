#include <optional>

#include "bindings.hpp"
#include "lightmeter/sketch/datasketches.hpp"
#include "lightmeter/sketch/distinct.hpp"
#include "lightmeter/sketch/frequent.hpp"
#include "lightmeter/sketch/moments.hpp"
#include "lightmeter/sketch/quantiles.hpp"
#include "wire/wire.hpp"

namespace {

using lightmeter::sketch::ArrayView;
using lightmeter::sketch::DistinctCount;
using lightmeter::sketch::FrequentIntegers;
using lightmeter::sketch::FrequentItems;
using lightmeter::sketch::FrequentStrings;
using lightmeter::sketch::ItemType;
using lightmeter::sketch::Moments;
using lightmeter::sketch::QuantileSketch;

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Counts = py::array_t<std::uint64_t, py::array::c_style | py::array::forcecast>;

template <class Sketch>
py::bytes encoded(const Sketch& sketch) {
  lightmeter::wire::Writer out;
  sketch.encode(out);
  return to_bytes(std::move(out).take());
}

template <class Sketch, class... Key>
Sketch decoded(const py::object& data, Key... key) {
  const py::bytes bytes = bytes_of(data);
  lightmeter::wire::Reader in(as_bytes(bytes));
  Sketch sketch = Sketch::decode(in, key...);
  in.expect_end();
  return sketch;
}

// What all sketches share: merge, encoding, copies and equality.
template <class Sketch>
py::class_<Sketch> bind_verbs(py::module_& module, const char* name, const char* doc) {
  return py::class_<Sketch>(module, name, doc)
      .def(
          "merge",
          [](Sketch& self, const Sketch& other) {
            if (&self == &other) {
              self.merge(Sketch(other));
            } else {
              self.merge(other);
            }
          },
          py::arg("other"), "Add what the other sketch has seen; it is left as it is.")
      .def("to_bytes", &encoded<Sketch>, "Encode; equal sketches give equal bytes.")
      .def("__copy__", [](const Sketch& self) { return Sketch(self); })
      .def(
          "__deepcopy__", [](const Sketch& self, const py::dict&) { return Sketch(self); },
          py::arg("memo"))
      .def(
          "__eq__", [](const Sketch& a, const Sketch& b) { return a == b; }, py::is_operator(),
          py::arg("other"));
}

// The same of a sketch whose bytes hold all of it.
template <class Sketch>
py::class_<Sketch> bind_keyless(py::module_& module, const char* name, const char* doc) {
  return bind_verbs<Sketch>(module, name, doc)
      .def_static("from_bytes", &decoded<Sketch>, py::arg("data"),
                  "Decode; raises DecodeError unless the bytes are one whole valid sketch.")
      .def(py::pickle(&encoded<Sketch>,
                      [](const py::bytes& data) { return decoded<Sketch>(data); }));
}

template <class T>
std::span<const T> as_span(const py::array_t<T, py::array::c_style | py::array::forcecast>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

template <class T>
ArrayView<T> view_of(const py::array& array) {
  ArrayView<T> view{.data = static_cast<const std::byte*>(array.data())};
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
    const auto at = static_cast<std::size_t>(3 - array.ndim() + axis);
    view.extent[at] = static_cast<std::size_t>(array.shape(axis));
    view.stride[at] = array.strides(axis);
  }
  return view;
}

template <class T>
bool update_as(QuantileSketch& sketch, const py::array& array) {
  if (!py::isinstance<py::array_t<T>>(array) || array.ndim() > 3) return false;
  const ArrayView<T> view = view_of<T>(array);
  without_gil(&sketch, [&] { sketch.update(view); });  // `array` keeps the memory alive
  return true;
}

bool is_masked(const py::handle& value) { return py::hasattr(value, "compressed"); }

// An array whose dtype is of one of these kinds, or an empty one.
py::array array_of(const py::handle& value, std::string_view kinds, const char* expected) {
  py::array array = py::array::ensure(value);
  if (!array) {
    PyErr_Clear();
    throw py::type_error("got " + std::string(py::str(py::type::handle_of(value))) + "; expected " +
                         expected);
  }
  if (array.size() > 0 && kinds.find(array.dtype().kind()) == std::string_view::npos) {
    throw py::type_error("got an array of dtype " + std::string(py::str(array.dtype())) +
                         "; expected " + expected);
  }
  return array;
}

template <class Array>
Array converted(const py::array& array) {
  Array result = Array::ensure(array);
  if (!result) throw py::error_already_set();
  return result;
}

// A Python float or int is by far the most frequent argument, so it is tried first.
void update(QuantileSketch& sketch, const py::handle& value) {
  if (PyFloat_CheckExact(value.ptr())) return sketch.update(PyFloat_AS_DOUBLE(value.ptr()));
  if (PyLong_CheckExact(value.ptr())) {
    const double number = PyLong_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw std::invalid_argument("got an int too large for a float; expected at most 1.8e308");
    }
    return sketch.update(number);
  }
  if (is_masked(value)) return update(sketch, value.attr("compressed")());
  const py::array array = array_of(value, "biuf", "a number or an array of numbers");
  if (update_as<double>(sketch, array) || update_as<float>(sketch, array) ||
      update_as<std::uint8_t>(sketch, array) || update_as<std::uint16_t>(sketch, array)) {
    return;
  }
  update_as<double>(sketch, converted<Doubles>(array).reshape({array.size()}));
}

// Turning 10 000 list items into pointers the general way takes as long as merging them.
void merge_many(QuantileSketch& sketch, const py::sequence& others) {
  const auto items =
      py::reinterpret_steal<py::object>(PySequence_Fast(others.ptr(), "expected a sequence"));
  if (!items) throw py::error_already_set();
  const auto size = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items.ptr()));
  std::vector<const QuantileSketch*> pointers(size);
  const py::type type = py::type::of<QuantileSketch>();
  for (std::size_t i = 0; i < size; ++i) {
    PyObject* const item = PySequence_Fast_GET_ITEM(items.ptr(), static_cast<py::ssize_t>(i));
    if (reinterpret_cast<PyObject*>(Py_TYPE(item)) == type.ptr()) {
      auto* const instance = reinterpret_cast<py::detail::instance*>(item);
      pointers[i] =
          static_cast<const QuantileSketch*>(instance->get_value_and_holder().value_ptr());
      if (InUse::contains(pointers[i])) (void)py::cast<const QuantileSketch*>(py::handle(item));
    } else if (py::isinstance<QuantileSketch>(item)) {
      pointers[i] = py::cast<const QuantileSketch*>(py::handle(item));
    }
    if (pointers[i] == nullptr) {
      throw py::type_error("got a " + std::string(Py_TYPE(item)->tp_name) + " at " +
                           std::to_string(i) + "; expected a QuantileSketch");
    }
  }
  sketch.merge_many(pointers);
}

Counts counts_of(const py::handle& value) {
  using Signed = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
  const py::array array = array_of(value, "biu", "counts that are integers");
  if (array.dtype().kind() == 'i') {
    const auto wide = converted<Signed>(array);
    for (const std::int64_t count : as_span(wide)) {
      if (count < 0) {
        throw std::invalid_argument("got a count of " + std::to_string(count) +
                                    "; expected 0 or more");
      }
    }
  }
  return converted<Counts>(array);
}

void update_counts(QuantileSketch& sketch, const py::handle& values, const py::handle& counts) {
  if (is_masked(values) || is_masked(counts)) {
    throw py::type_error("got a masked array; expected values and counts without a mask");
  }
  const py::array numbers = array_of(values, "biuf", "values that are numbers");
  const Counts times = counts_of(counts);
  sketch.update_counts(as_span(converted<Doubles>(numbers)), as_span(times));
}

Doubles as_array(const std::vector<double>& values) {
  return Doubles(static_cast<py::ssize_t>(values.size()), values.data());
}

void bind_quantiles(py::module_& module) {
  bind_verbs<QuantileSketch>(
      module, "QuantileSketch",
      "The distribution of a stream of numbers: quantiles and ranks, mergeable.\n\n"
      "Exact while n <= 1024 or while there are at most 256 distinct values; beyond, a KLL sketch\n"
      "whose error() is a bound. NaN and infinities are counted apart from n. -0.0 is 0.0.\n"
      "While a thread updates it by an array, any use in another is a RuntimeError.")
      .def(py::init<std::uint64_t>(), py::arg("key") = 0,
           "Start empty. Sketches that will be merged or compared should have unlike keys: the\n"
           "coins of KLL mode depend on the key and the values.")
      .def_static(
          "from_bytes", &decoded<QuantileSketch, std::uint64_t>, py::arg("data"),
          py::arg("key") = 0,
          "Decode; raises DecodeError unless the bytes are one whole valid sketch. Those of\n"
          "an exact one do not hold its key, so that equal values give equal bytes.")
      .def(py::pickle(
          [](const QuantileSketch& self) { return py::make_tuple(self.key(), encoded(self)); },
          [](const py::tuple& state) {
            return decoded<QuantileSketch>(state[1], py::cast<std::uint64_t>(state[0]));
          }))
      .def("update", &update, py::arg("value"),
           "Add a number, or every number of an array of any shape and strides; what a NumPy mask\n"
           "hides is left out.")
      .def("update_counts", &update_counts, py::arg("values"), py::arg("counts"),
           "Add values[i] counts[i] times. Counts are integers from 0.")
      .def("merge_many", &merge_many, py::arg("others"), "Merge one after the other, but faster.")
      .def_property_readonly("n", &QuantileSketch::n, "Finite numbers seen.")
      .def_property_readonly("nan", &QuantileSketch::nan)
      .def_property_readonly("pos_inf", &QuantileSketch::pos_inf)
      .def_property_readonly("neg_inf", &QuantileSketch::neg_inf)
      .def_property_readonly("min", &QuantileSketch::min, "Exact; NaN when empty.")
      .def_property_readonly("max", &QuantileSketch::max, "Exact; NaN when empty.")
      .def_property_readonly("is_exact", &QuantileSketch::is_exact)
      .def("error", &QuantileSketch::error, py::arg("delta") = 0.01,
           "With probability 1 - delta all ranks are within this fraction of n; 0 while exact.")
      .def(
          "quantiles",
          [](const QuantileSketch& self, const Doubles& q) {
            return as_array(self.quantiles(as_span(q)));
          },
          py::arg("q"),
          "For each q in [0, 1] the item sorted[min(floor(q n), n - 1)]; NaN when empty.")
      .def(
          "ranks",
          [](const QuantileSketch& self, const Doubles& x) {
            return as_array(self.ranks(as_span(x)));
          },
          py::arg("x"), "For each x the fraction of the numbers that are <= x.")
      .def(
          "weights",
          [](const QuantileSketch& self) {
            const auto& view = self.view();
            Counts weights(static_cast<py::ssize_t>(view.values.size()));
            for (std::size_t i = 0; i < view.values.size(); ++i) {
              weights.mutable_data()[i] = view.weight(i);
            }
            return py::make_tuple(as_array(view.values), weights);
          },
          "The distinct values kept, rising (float64), and how many numbers each stands for "
          "(uint64); while exact these are all there are.")
      .def_static(
          "from_datasketches",
          [](const py::object& data, const std::string& dtype, std::uint64_t key) {
            if (dtype != "float32" && dtype != "float64") {
              throw std::invalid_argument("dtype is " + dtype + "; expected float32 or float64");
            }
            return lightmeter::sketch::from_datasketches(
                as_bytes(bytes_of(data)),
                dtype == "float32" ? ItemType::kFloat32 : ItemType::kFloat64, key);
          },
          py::arg("data"), py::arg("dtype"), py::arg("key") = 0,
          "Read a serialized kll_floats_sketch (float32) or kll_doubles_sketch (float64) of Apache "
          "DataSketches, or whylogs' variant.");
}

template <class Key>
void bind_frequent(py::module_& module, const char* name) {
  bind_keyless<FrequentItems<Key>>(
      module, name, "The most frequent values of a stream, with bounds; exact while they fit.")
      .def(py::init())
      .def(
          "update",
          [](FrequentItems<Key>& self, const Key& value, std::uint64_t count) {
            self.update(value, count);
          },
          py::arg("value"), py::arg("count") = 1)
      .def_property_readonly("n", &FrequentItems<Key>::n)
      .def_property_readonly("is_exact", &FrequentItems<Key>::is_exact)
      .def(
          "items",
          [](const FrequentItems<Key>& self) {
            py::list items;
            for (const auto& item : self.items()) {
              items.append(py::make_tuple(item.value, item.lower, item.estimate));
            }
            return items;
          },
          "(value, lower bound, upper bound) of its count, most frequent first.");
}

}  // namespace

void bind_sketch(py::module_& module) {
  bind_keyless<Moments>(module, "Moments", "Count, mean and spread of a stream of finite numbers.")
      .def(py::init())
      .def(
          "update",
          [](Moments& self, double value, std::uint64_t count) { self.update(value, count); },
          py::arg("value"), py::arg("count") = 1)
      .def_property_readonly("n", &Moments::n)
      .def_property_readonly("mean", &Moments::mean)
      .def_property_readonly("stddev", &Moments::stddev, "Of the sample; 0.0 at n = 1.");
  bind_quantiles(module);
  bind_frequent<std::string>(module, "FrequentStrings");
  bind_frequent<std::int64_t>(module, "FrequentIntegers");
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
      .def_property_readonly("is_exact", &DistinctCount::is_exact)
      .def_property_readonly("estimate", &DistinctCount::estimate)
      .def("lower", &DistinctCount::lower, py::arg("deviations") = 1.0)
      .def("upper", &DistinctCount::upper, py::arg("deviations") = 1.0);
}
