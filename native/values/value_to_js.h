// Values and errors as JavaScript has them. JS thread only, and on the way of every message: no C++ exceptions here,
// because node-addon-api ends the process where it can't make an Error, and in an environment that is being
// terminated it can't.
#pragma once

#include <node_api.h>

#include <memory>

#include "values/value.h"

namespace bridge {

// What becomes of memory, wherever it stands in a value: the environment's tensors make that. Set once a process.
using MemoryToJs = napi_value (*)(napi_env env, const std::shared_ptr<Memory>& memory);
void SetMemoryToJs(MemoryToJs function);

// Null where Node-API refuses: a JavaScript exception is pending (a string beyond V8's limit, no memory left), or the
// environment is being terminated.
napi_value ToJs(napi_env env, const Value& value);

// An Error with `code`, and where Python raised `pythonType`, `pythonMessage` and `pythonTraceback`. Null as above.
napi_value ToJsError(napi_env env, const ErrorInfo& error);

// Sets an own property whatever its name: an assignment to `__proto__` would not. `value` may be null: then, and where
// Node-API refuses, false.
bool Define(napi_env env, napi_value object, const char* name, napi_value value);

}  // namespace bridge
