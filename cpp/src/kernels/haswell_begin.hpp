// Opens a region compiled for AVX2 and FMA; haswell_end.hpp closes it. Include after every other
// header, so that no inline function of theirs is emitted with these instructions.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
