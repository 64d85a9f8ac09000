#include "take_gil.hpp"

#include <pthread.h>
#include <unistd.h>

namespace {

extern "C" void sleep_forever(void*) {
  while (true) pause();
}

}  // namespace

// This file is compiled without exceptions. So the cleanup is no destructor: glibc jumps back to here, and
// unwinds no further. A C++ function it cannot unwind where the compiler has an unwinder of its own, as
// zig has, which builds the wheels: that would crash.
void take_gil(PyThreadState* state) {
  pthread_cleanup_push(sleep_forever, nullptr);
  PyEval_RestoreThread(state);
  pthread_cleanup_pop(0);
}
