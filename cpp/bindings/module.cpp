#include "bindings.hpp"

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
  module.doc() = "The native core of lightmeter; use it through the lightmeter package.";
  module.attr("__version__") = LIGHTMETER_VERSION;
  bind_error(module);
  bind_kernels(module);
  bind_measure(module);
  bind_sketch(module);
  bind_profile(module);
  bind_drift(module);
}
