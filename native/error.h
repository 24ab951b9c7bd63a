// Where errors change language: Python to ErrorInfo on a Python thread, ErrorInfo to a JS Error on the JS thread.
#pragma once

#include "napi_setup.h"
#include "value.h"

namespace bridge {

// GIL held, an exception is set; clears it. Never raises. An exception whose `code` attribute is one of this package's
// keeps it, and type and traceback are those of its cause, if there is one; any other has ERR_WANGP_PYTHON.
ErrorInfo TakePythonError();

// An error of this addon's own making.
ErrorInfo MakeError(const char* code, const std::string& message);

// JS thread: an Error with `code`, and where Python raised `pythonType` and `pythonTraceback`.
Napi::Value ToJsError(Napi::Env env, const ErrorInfo& error);

}  // namespace bridge
