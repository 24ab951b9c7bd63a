// Python to JavaScript, the part that needs the GIL; value_to_js.h has the rest.
//
// int beyond 2^53 becomes bigint, tuple and set become arrays, dictionary keys become strings, Memory becomes what the
// environment's memory factory makes of it. What is none of Python's plain types goes through the adapter that the
// bridge module set; what that leaves unknown becomes { pythonType, repr }.
#pragma once

#include <Python.h>

#include "values/value.h"

namespace bridge {

// GIL held. `function` takes one object and returns a plain value, or the object itself for "unknown". Keeps it for
// good.
void SetAdapter(PyObject* function);

// GIL held. Never raises.
Value FromPython(PyObject* object);
// GIL held; `text` is a str. Never raises.
Value FromPythonString(PyObject* text);

}  // namespace bridge
