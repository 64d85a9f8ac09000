#pragma once

#include <string_view>

#include "bindings.hpp"

// What Python hands over as numbers, as arrays that the core can read.

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Counts = py::array_t<std::uint64_t, py::array::c_style | py::array::forcecast>;

template <class T>
std::span<const T> as_span(const py::array_t<T, py::array::c_style | py::array::forcecast>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

template <class T>
py::array_t<T, py::array::c_style | py::array::forcecast> as_array(const std::vector<T>& values) {
  using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;
  return Array(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class Array>
Array converted(const py::array& array) {
  Array result = Array::ensure(array);
  if (!result) throw py::error_already_set();
  return result;
}

inline bool is_masked(const py::handle& value) { return py::hasattr(value, "compressed"); }

// An array whose dtype is of one of these kinds, or an empty one; TypeError for anything else.
py::array array_of(const py::handle& value, std::string_view kinds, const char* expected);

// Integers from 0; ValueError for others.
Counts counts_of(const py::handle& value);
