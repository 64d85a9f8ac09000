#include "bindings.hpp"
#include "error.hpp"

namespace {

// The classes are Python's (lightmeter/errors.py), where users find and document them.
void raise(const char* name, const std::exception& error) {
  const py::object type = py::module_::import("lightmeter.errors").attr(name);
  py::set_error(type, error.what());
}

}  // namespace

void bind_error() {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const lightmeter::DecodeError& error) {
      raise("DecodeError", error);
    } catch (const lightmeter::IncompatibleError& error) {
      raise("IncompatibleError", error);
    } catch (const lightmeter::OutOfRangeError& error) {
      const py::object type = py::module_::import("lightmeter.errors").attr("ImageError");
      py::set_error(type, call_python(type, "out_of_range", error.what()));
    }
  });
}
