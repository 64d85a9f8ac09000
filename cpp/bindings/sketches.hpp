#pragma once

#include <utility>

#include "bindings.hpp"
#include "wire/wire.hpp"

// An item of a state: KeyError if it is not there, TypeError if it is of another type.
template <class T>
T field(const py::dict& state, const char* name) {
  if (!state.contains(name)) throw py::key_error(name);
  const py::object value = state[name];
  try {
    return py::cast<T>(value);
  } catch (const py::cast_error&) {
    throw py::type_error("the state has a " + std::string(Py_TYPE(value.ptr())->tp_name) +
                         " as its '" + name + "'");
  }
}

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
