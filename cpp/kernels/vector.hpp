// The tier of the architecture's vectors: what its kernels are made of, and the tables of some.
#pragma once

#include "kernels/compiler.hpp"
#include "kernels/tier.hpp"

#if defined(__x86_64__)
#include "kernels/avx2.hpp"
#elif defined(__aarch64__)
#include "kernels/neon.hpp"
#endif

namespace lightmeter::kernels::vector {

extern const SortKernels<float> kFloats;
extern const SortKernels<double> kDoubles;
extern const Unfilters kUnfilter;

}  // namespace lightmeter::kernels::vector
