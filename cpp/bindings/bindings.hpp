#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "threads.hpp"

namespace lightmeter::profile {
class Profile;
}

namespace py = pybind11;

// The samples of black and white.
using Range = std::pair<double, double>;

using BoundProfile = py::class_<lightmeter::profile::Profile>;

// What these bind is for lightmeter's own Python: its types stand in lightmeter/_core.pyi, and what a
// function does above its definition. pybind11 compiles a binding anew for each type of function, so
// they are functions rather than lambdas; names of arguments and texts of help would make each one
// another. Each runs once, so it is cold: GCC inlines less into it, and is done sooner.
[[gnu::cold]] void bind_error();
[[gnu::cold]] void bind_headers(py::module_& module);
// Picture files, read and measured.
[[gnu::cold]] void bind_files(py::module_& module);
[[gnu::cold]] void bind_measure(py::module_& module);
// What decodes pictures into meters.
[[gnu::cold]] void bind_decode(py::module_& module);
[[gnu::cold]] void bind_jpeg(py::module_& module);
// Sketches of which columns are made elsewhere, and what is asked of frequent texts.
[[gnu::cold]] void bind_parts(py::module_& module);
[[gnu::cold]] void bind_quantiles(py::module_& module);
[[gnu::cold]] void bind_covariance(py::module_& module);
[[gnu::cold]] void bind_profile(py::module_& module);
// What a profile is told of images.
[[gnu::cold]] void bind_images(BoundProfile& profile);
// What a profile says of one of its columns.
[[gnu::cold]] void bind_column(BoundProfile& profile);
[[gnu::cold]] void bind_groups(BoundProfile& profile);
[[gnu::cold]] void bind_vectors(BoundProfile& profile);
[[gnu::cold]] void bind_drift(py::module_& module);

// A value as Python has it.
struct Item {
  Item(py::handle value)  // NOLINT(google-explicit-constructor): for lists of values
      : object(py::reinterpret_borrow<py::object>(value)) {}
  template <class T>
    requires(!std::is_base_of_v<py::handle, std::remove_cvref_t<T>>)
  Item(T&& value)  // NOLINT(google-explicit-constructor)
      : object(py::cast(std::forward<T>(value))) {}

  py::object object;
};

// As py::make_tuple, which is compiled anew for each list of types.
inline py::tuple tuple_of(std::initializer_list<Item> items) {
  py::tuple tuple(items.size());
  py::ssize_t place = 0;
  for (const Item& item : items)
    PyTuple_SET_ITEM(tuple.ptr(), place++, item.object.inc_ref().ptr());
  return tuple;
}

// The bytes of a Python bytes object; they live as long as it does.
inline std::span<const std::uint8_t> as_bytes(const py::bytes& bytes) {
  const std::string_view view = bytes;
  return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

// What any bytes-like object holds; TypeError for another.
inline py::bytes bytes_of(const py::object& data) {
  if (PyObject_CheckBuffer(data.ptr()) == 0) {
    throw py::type_error("got a " + std::string(Py_TYPE(data.ptr())->tp_name) + "; expected bytes");
  }
  auto bytes = py::reinterpret_steal<py::bytes>(PyBytes_FromObject(data.ptr()));
  if (!bytes) throw py::error_already_set();
  return bytes;
}

inline py::bytes to_bytes(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
