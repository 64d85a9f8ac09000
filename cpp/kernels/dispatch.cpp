#include <cstdlib>
#include <stdexcept>
#include <string>

#include "kernels/kernels.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace lightmeter::kernels {
namespace {

#if defined(__x86_64__)
// The features of a tier as bits of CPUID's leaves 1 (ecx) and 7 (ebx), and the registers that the
// operating system must save, as bits of XCR0 (Intel 64 manual, volume 1, chapter 14).
struct Needs {
  unsigned leaf1_ecx, leaf7_ebx, saved;
};
constexpr Needs kHaswellNeeds = {bit_OSXSAVE | bit_AVX | bit_FMA, bit_AVX2, 0x06};

// Not __builtin_cpu_supports: the runtime of zig, which builds the portable wheels, has it say no
// to everything.
bool has(const Needs& needs) {
  unsigned eax, ebx, ecx, edx;
  const auto all = [](unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; };
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !all(ecx, needs.leaf1_ecx)) return false;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !all(ebx, needs.leaf7_ebx)) return false;
  // Volatile, as a compiler may move it before the checks else, and a machine without it fails.
  __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return all(eax, needs.saved);
}
#endif

// The tables this machine can run, slowest first. The CPU is asked here and nowhere else.
std::vector<const Kernels*> available() {
  std::vector<const Kernels*> tables = {kScalar};
#if defined(__x86_64__)
  if (has(kHaswellNeeds)) tables.push_back(kHaswell);
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
