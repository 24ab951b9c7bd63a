// The module that the Python side of the bridge imports: `_wangp_native`.
#pragma once

#include <Python.h>

namespace bridge {

inline constexpr char kPythonModuleName[] = "_wangp_native";

// For PyImport_AppendInittab, before the interpreter starts.
PyObject* InitPythonModule();

}  // namespace bridge
