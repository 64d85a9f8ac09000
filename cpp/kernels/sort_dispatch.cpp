#include <string_view>

#include "kernels/kernels.hpp"
#include "kernels/sort.hpp"

namespace lightmeter::kernels {
namespace {

const SortKernels& choose(std::string_view tier) {
#if defined(__x86_64__)
  if (tier == "haswell") return haswell::kSort;
#elif defined(__aarch64__)
  if (tier == "neon") return neon::kSort;
#endif
  return scalar::kSort;
}

}  // namespace

const SortKernels& active_sort() {
  static const SortKernels& chosen = choose(active().name);
  return chosen;
}

}  // namespace lightmeter::kernels
