#include "bindings.hpp"
#include "kernels/hsv.hpp"
#include "kernels/tier.hpp"

namespace {

using lightmeter::kernels::active;
using lightmeter::kernels::available_tiers;

// The kernel tier in use: scalar, avx2 or neon.
std::string_view kernel_tier() { return active().name; }

// Those of this machine, slowest first.
py::list kernel_tiers() {
  py::list names;
  for (const auto* tier : available_tiers()) names.append(tier->name);
  return names;
}

}  // namespace

void bind_kernels(py::module_& module) {
  // What is made once is made here: a process that forks while another thread makes it would leave
  // its child waiting for ever.
  (void)lightmeter::kernels::hsv_tables();
  module.def("kernel_tier", &kernel_tier);
  module.def("kernel_tiers", &kernel_tiers);
}
