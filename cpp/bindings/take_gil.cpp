#include "take_gil.hpp"

#include <pthread.h>
#include <unistd.h>

namespace {

extern "C" void sleep_forever(void*) {
  while (true) pause();
}

}  // namespace

// This file is compiled without exceptions. So a cleanup is not a destructor: glibc jumps back to
// the function that pushed it, and unwinds no further. The wheels are built by zig, which has an
// unwinder of its own: glibc's would crash at the first C++ function.
void take_gil(PyThreadState* state) {
  pthread_cleanup_push(sleep_forever, nullptr);
  PyEval_RestoreThread(state);
  pthread_cleanup_pop(0);
}

PyObject* call_python(PyObject* function, PyObject* arguments) {
  PyObject* result = nullptr;
  pthread_cleanup_push(sleep_forever, nullptr);
  result = PyObject_CallObject(function, arguments);
  pthread_cleanup_pop(0);
  return result;
}
