// Opens a region compiled for AVX2 and FMA; haswell_end.hpp closes it. Include after every other
// header, so that no inline function of theirs is emitted with these instructions.
#include "kernels/compiler.hpp"
LIGHTMETER_OPEN_REGION("avx2,fma")
