#include "bindings.hpp"
#include "kernels/hsv.hpp"
#include "kernels/tier.hpp"

namespace {

// What is wrong with the environment is raised by every name of the module that is asked for. Were
// it raised by the import, that would be an ImportError of `import lightmeter`, and so before the
// command line could say it in one line.
void refuse(py::module_& module, const std::string& wrong) {
  module.def("__getattr__", [wrong](const std::string& name) {
    if (name.starts_with("__")) throw py::attribute_error(name);  // the interpreter asks for some
    const auto text = py::reinterpret_steal<py::str>(PyUnicode_DecodeFSDefault(wrong.c_str()));
    py::set_error(py::module_::import("lightmeter.errors").attr("ConfigError"), text);
    throw py::error_already_set();
  });
}

// The kernel tier in use: scalar, avx2 or neon.
std::string_view kernel_tier() { return lightmeter::kernels::active().name; }

// Those of this machine, slowest first.
py::list kernel_tiers() {
  py::list names;
  for (const auto* tier : lightmeter::kernels::available_tiers()) names.append(tier->name);
  return names;
}

}  // namespace

// The GIL is what guards profiles and sketches, so that a Python without one turns it on again.
PYBIND11_MODULE(_core, module) {
  module.doc() = "The native core of lightmeter; use it through the lightmeter package.";
  module.attr("__version__") = LIGHTMETER_VERSION;
  try {
    (void)lightmeter::kernels::active();
  } catch (const std::invalid_argument& error) {
    return refuse(module, error.what());
  }
  bind_error();
  // What is made once is made here: a process that forks while another thread makes it would leave
  // its child waiting for ever.
  (void)lightmeter::kernels::hsv_tables();
  module.def("kernel_tier", &kernel_tier);
  module.def("kernel_tiers", &kernel_tiers);
  bind_files(module);
  bind_headers(module);
  bind_measure(module);
  bind_decode(module);
  bind_jpeg(module);
  bind_parts(module);
  bind_quantiles(module);
  bind_covariance(module);
  bind_profile(module);
  bind_drift(module);
  // Its first use gives up the GIL and takes it back in a destructor, where a daemon thread must not
  // be ended (see threads.hpp). Not here: an interrupt within this import would be an ImportError.
  module.def("prepare_numpy", [] { (void)py::array_t<double>(0); });
}
