// What compilers spell differently. No other file asks which compiler it is.
#pragma once

#define LIGHTMETER_PRAGMA(...) _Pragma(#__VA_ARGS__)

// A region whose functions are compiled for an instruction set.
#if defined(__clang__)
#define LIGHTMETER_OPEN_REGION(isa) \
  LIGHTMETER_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define LIGHTMETER_CLOSE_REGION LIGHTMETER_PRAGMA(clang attribute pop)
#else
#define LIGHTMETER_OPEN_REGION(isa) \
  LIGHTMETER_PRAGMA(GCC push_options) LIGHTMETER_PRAGMA(GCC target(isa))
#define LIGHTMETER_CLOSE_REGION LIGHTMETER_PRAGMA(GCC pop_options)
#endif
