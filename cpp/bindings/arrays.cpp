#include "arrays.hpp"

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
