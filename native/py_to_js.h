// Python to JavaScript. FromPython runs on a Python thread with the GIL and never raises; ToJs runs on the JS thread.
//
// int beyond 2^53 becomes bigint, tuple and set become arrays, dictionary keys become strings, Memory becomes what the
// environment's memory factory makes of it. What is none of Python's plain types goes through the adapter that the
// bridge module set; what that leaves unknown becomes { pythonType, repr }.
#pragma once

#include <Python.h>

#include "napi_setup.h"
#include "value.h"

namespace bridge {

// GIL held. `adapter` takes one object and returns a plain value, or the object itself for "unknown". Keeps it for good.
void SetAdapter(PyObject* adapter);

// GIL held. Never raises.
Value FromPython(PyObject* object);
// GIL held; `text` is a str. Never raises.
Value FromPythonString(PyObject* text);

// JS thread. Throws Napi::Error where V8 refuses (a string beyond its limit, no memory left).
Napi::Value ToJs(Napi::Env env, const Value& value);

}  // namespace bridge
