#include "bindings.hpp"

// The GIL is what guards profiles and sketches, so that a Python without one turns it on again.
PYBIND11_MODULE(_core, module) {
  module.doc() = "The native core of lightmeter; use it through the lightmeter package.";
  module.attr("__version__") = LIGHTMETER_VERSION;
  bind_error(module);
  bind_kernels(module);
  bind_headers(module);
  bind_measure(module);
  bind_decode(module);
  bind_jpeg(module);
  bind_moments(module);
  bind_quantiles(module);
  bind_frequent(module);
  bind_distinct(module);
  bind_covariance(module);
  bind_profile(module);
  bind_drift(module);
  // Its first use gives up the GIL and takes it back in a destructor, where a daemon thread must not
  // be ended (see threads.hpp). Not here: an interrupt within this import would be an ImportError.
  module.def("prepare_numpy", [] { (void)py::detail::npy_api::get(); });
}
