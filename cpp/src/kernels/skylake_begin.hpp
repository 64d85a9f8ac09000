// Opens a region compiled for AVX-512 F, BW, DQ and VL; skylake_end.hpp closes it. Include after
// every other header, so that no inline function of theirs is emitted with these instructions.
#include "kernels/compiler.hpp"
LIGHTMETER_OPEN_REGION("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
