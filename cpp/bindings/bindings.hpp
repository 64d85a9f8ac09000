#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "threads.hpp"

namespace lightmeter::profile {
class Profile;
}

namespace py = pybind11;

// The samples of black and white.
using Range = std::pair<double, double>;

// What a profile says of one of its columns.
void bind_column(py::class_<lightmeter::profile::Profile>& profile);
void bind_covariance(py::module_& module);
// What decodes pictures into meters.
void bind_decode(py::module_& module);
void bind_drift(py::module_& module);
void bind_error(py::module_& module);
// What a profile says by group.
void bind_groups(py::class_<lightmeter::profile::Profile>& profile);
// Picture files, read and measured.
void bind_files(py::module_& module);
void bind_headers(py::module_& module);
void bind_images(py::module_& module, py::class_<lightmeter::profile::Profile>& profile);
void bind_jpeg(py::module_& module);
void bind_kernels(py::module_& module);
void bind_measure(py::module_& module);
// Sketches of which columns are made elsewhere, and what is asked of frequent texts.
void bind_parts(py::module_& module);
void bind_profile(py::module_& module);
void bind_quantiles(py::module_& module);
void bind_vectors(py::class_<lightmeter::profile::Profile>& profile);

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
