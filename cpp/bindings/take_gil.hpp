#pragma once

#include <Python.h>

// Takes the GIL back. When the process ends, Python before 3.14 ends a daemon thread that asks for
// the GIL by unwinding its stack. No C++ function may let that pass: destructors would touch Python
// objects, and `noexcept` would abort the process. So the thread sleeps until the process is gone,
// as Python 3.14 lets it.
void take_gil(PyThreadState* state);

// Calls what is written in Python, or reads a file. Such a call gives the GIL away and takes it back,
// so here too the thread sleeps if the process has ended meanwhile. A new reference; null if the
// call raised.
[[nodiscard]] PyObject* call_python(PyObject* function, PyObject* arguments);
