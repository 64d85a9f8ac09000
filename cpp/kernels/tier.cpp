#include "kernels/tier.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace lightmeter::kernels {
namespace {

// Whether this machine can run the kernels in kVectors. The CPU is asked here and nowhere else.
bool has_vectors() {
#if defined(__x86_64__)
  // The features as bits of CPUID's leaves 1 (ecx) and 7 (ebx), and the registers that the operating
  // system must save, as bits of XCR0 (Intel 64 manual, volume 1, chapter 14). Not
  // __builtin_cpu_supports: the runtime of zig, which builds the portable wheels, has it say no to
  // everything.
  constexpr unsigned kLeaf1 = bit_OSXSAVE | bit_AVX | bit_FMA, kLeaf7 = bit_AVX2, kSaved = 0x06;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & kLeaf1) != kLeaf1) return false;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || (ebx & kLeaf7) != kLeaf7) return false;
  // Volatile, as a compiler may move it before the checks else, and a machine without it fails.
  __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return (eax & kSaved) == kSaved;
#else
  return kVectors != nullptr;
#endif
}

const Tier& choose() {
  const char* forced = std::getenv("LIGHTMETER_KERNELS");
  if (forced == nullptr || *forced == '\0') return *available_tiers().back();
  try {
    return tier_named(forced);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("LIGHTMETER_KERNELS: " + std::string(error.what()) +
                                "; unset it to use the best one");
  }
}

}  // namespace

const Tier& active() {
  static const Tier& chosen = choose();
  return chosen;
}

const Tier& tier_named(std::string_view name) {
  std::string names;
  for (const Tier* tier : available_tiers()) {
    if (name == tier->name) return *tier;
    names.append(names.empty() ? "" : ", ").append(tier->name);
  }
  throw std::invalid_argument("no kernel tier '" + std::string(name) +
                              "' on this machine; available tiers: " + names);
}

std::vector<const Tier*> available_tiers() {
  if (has_vectors()) return {&kScalar, kVectors};
  return {&kScalar};
}

}  // namespace lightmeter::kernels
