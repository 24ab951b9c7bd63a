// Python's exceptions as ErrorInfo, on a Python thread; value_to_js.h makes a JS Error of that.
#pragma once

#include <string>

#include "values/value.h"

namespace bridge {

// GIL held, an exception is set; clears it. Never raises. An exception whose `code` attribute is one of this package's
// keeps it, and type and traceback are those of its cause, if there is one; any other has ERR_WANGP_PYTHON.
ErrorInfo TakePythonError();

}  // namespace bridge
