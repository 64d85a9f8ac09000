// What compilers spell differently. No other file asks which compiler it is.
#pragma once

// A function of which no copy is called, so that its code is that of its caller: for the caller's
// instruction set.
#define LIGHTMETER_INLINE [[gnu::always_inline]] inline

// A region whose functions are compiled for the vectors of the architecture: AVX2 and FMA on x86-64,
// NEON, which every 64-bit Arm has. A file opens it after all of its includes, so that no inline
// function of theirs is compiled for them: the linker may take such a copy for the whole program.
#if defined(__x86_64__) && defined(__clang__)
#define LIGHTMETER_OPEN_VECTORS \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")
#define LIGHTMETER_CLOSE_VECTORS _Pragma("clang attribute pop")
#elif defined(__x86_64__)
#define LIGHTMETER_OPEN_VECTORS _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,fma\")")
#define LIGHTMETER_CLOSE_VECTORS _Pragma("GCC pop_options")
#else
#define LIGHTMETER_OPEN_VECTORS
#define LIGHTMETER_CLOSE_VECTORS
#endif
