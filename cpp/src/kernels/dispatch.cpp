#include <cstdlib>
#include <stdexcept>
#include <string>

#include "kernels/kernels.hpp"

namespace lightmeter::kernels {
namespace {

// The tables this machine can run, slowest first. The CPU is asked here and nowhere else; the
// builtins also check that the operating system saves the wide registers.
std::vector<const Kernels*> available() {
  std::vector<const Kernels*> tables = {kScalar};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables.push_back(kHaswell);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      tables.push_back(kSkylake);
    }
  }
#endif
  if (kNeon != nullptr) tables.push_back(kNeon);  // part of the 64-bit Arm baseline
  return tables;
}

const Kernels& choose() {
  const char* forced = std::getenv("LIGHTMETER_KERNELS");
  if (forced == nullptr || *forced == '\0') return *available().back();
  try {
    return of_tier(forced);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("LIGHTMETER_KERNELS: " + std::string(error.what()) +
                                "; unset it to use the best one");
  }
}

}  // namespace

const Kernels& active() {
  static const Kernels& chosen = choose();
  return chosen;
}

const Kernels& of_tier(std::string_view tier) {
  std::string names;
  for (const Kernels* table : available()) {
    if (tier == table->name) return *table;
    names += names.empty() ? table->name : std::string(", ") + table->name;
  }
  throw std::invalid_argument("no kernel tier '" + std::string(tier) +
                              "' on this machine; available tiers: " + names);
}

std::vector<std::string_view> available_tiers() {
  std::vector<std::string_view> names;
  for (const Kernels* table : available()) names.emplace_back(table->name);
  return names;
}

}  // namespace lightmeter::kernels
