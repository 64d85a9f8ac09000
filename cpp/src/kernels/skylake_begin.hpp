// Opens a region compiled for AVX-512 F, BW, DQ and VL; skylake_end.hpp closes it. Include after
// every other header, so that no inline function of theirs is emitted with these instructions.
// clang-format off
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#endif
// clang-format on
