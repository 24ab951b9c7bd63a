// JavaScript to Python, the part that runs on the JS thread and copies; value_to_py.h has the rest.
//
// null and undefined become null, undefined properties are left out; ArrayBuffer and typed arrays become bytes.
// Refused, with the place in the structure: NaN, infinities, functions, symbols, Dates, Promises, Maps, Sets, other
// built-in classes without plain content, circular structures.
#pragma once

#include <string>

#include "napi_setup.h"
#include "values/value.h"

namespace bridge {

// JS thread, which may be near the end of its stack: nothing here recurses. `name` is what messages call the value.
// Throws Napi::Error with the code ERR_WANGP_VALUE.
Value FromJs(const Napi::Value& value, const std::string& name);

}  // namespace bridge
