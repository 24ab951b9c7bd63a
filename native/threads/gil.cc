#include "threads/gil.h"

#include <Python.h>

namespace bridge {

Gil::Gil() : state_(PyGILState_Ensure()) {}

Gil::~Gil() { PyGILState_Release(static_cast<PyGILState_STATE>(state_)); }

void KeepThreadState() {
  PyGILState_Ensure();
  PyEval_SaveThread();
}

}  // namespace bridge
