#pragma once

#include <string_view>

#include "bindings.hpp"

// The UTF-8 of a str; it lives as long as that does.
inline std::string_view text_of(const py::handle& text) {
  if (PyUnicode_Check(text.ptr()) && PyUnicode_IS_COMPACT_ASCII(text.ptr())) {
    return {static_cast<const char*>(PyUnicode_DATA(text.ptr())),
            static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.ptr()))};
  }
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (bytes == nullptr) throw py::error_already_set();
  return {bytes, static_cast<std::size_t>(size)};
}

// Whether it is a str that UTF-8 can say.
inline bool is_text(const py::handle& value) {
  if (!PyUnicode_Check(value.ptr())) return false;
  if (PyUnicode_AsUTF8AndSize(value.ptr(), nullptr) != nullptr) return true;
  PyErr_Clear();
  return false;  // a lone surrogate
}
