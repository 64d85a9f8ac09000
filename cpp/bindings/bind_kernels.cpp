#include "bindings.hpp"
#include "kernels/hsv.hpp"
#include "kernels/tier.hpp"

namespace {

using lightmeter::kernels::active;
using lightmeter::kernels::available_tiers;
using lightmeter::kernels::tier_named;
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

// The kernel tier in use: scalar, avx2 or neon.
std::string_view kernel_tier() { return active().name; }

// Those of this machine, slowest first.
py::list kernel_tiers() {
  py::list names;
  for (const auto* tier : available_tiers()) names.append(tier->name);
  return names;
}

// Pillow's 8-bit hue, saturation and value of uint8 planes, by the code that counting uses.
py::tuple rgb_to_hsv(const std::string& tier, const Bytes& red, const Bytes& green,
                     const Bytes& blue) {
  const py::ssize_t n = red.size();
  if (green.size() != n || blue.size() != n || n % lightmeter::kernels::kGroup != 0) {
    throw std::invalid_argument(
        "got planes of " + std::to_string(n) + ", " + std::to_string(green.size()) + " and " +
        std::to_string(blue.size()) + " samples; expected equal sizes, multiples of 64");
  }
  Bytes hue(n);
  Bytes saturation(n);
  Bytes value(n);
  lightmeter::kernels::rgb_to_hsv(tier_named(tier), red.data(), green.data(), blue.data(),
                                  static_cast<std::size_t>(n), hue.mutable_data(),
                                  saturation.mutable_data(), value.mutable_data());
  return tuple_of({hue, saturation, value});
}

}  // namespace

void bind_kernels(py::module_& module) {
  // What is made once is made here: a process that forks while another thread makes it would leave
  // its child waiting for ever.
  (void)lightmeter::kernels::hsv_tables();
  module.def("kernel_tier", &kernel_tier);
  module.def("kernel_tiers", &kernel_tiers);
  module.def("rgb_to_hsv", &rgb_to_hsv);
}
