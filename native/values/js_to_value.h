// JavaScript to Python. FromJs runs on the JS thread and copies; ToPython runs on a Python thread with the GIL.
//
// An integral number becomes int, any other float; bigint becomes int, null and undefined None, ArrayBuffer and typed
// arrays memoryview; undefined properties are left out. Refused, with the place in the structure: NaN, infinities,
// functions, symbols, Dates, Promises, Maps, Sets, other built-in classes without plain content, circular structures.
#pragma once

#include <pybind11/pybind11.h>

#include "napi_setup.h"
#include "values/value.h"

namespace bridge {

// JS thread. Throws Napi::Error with the code ERR_WANGP_VALUE.
Value FromJs(const Napi::Value& value, const std::string& name);

// GIL held. Throws pybind11::error_already_set (MemoryError).
pybind11::object ToPython(const Value& value);

}  // namespace bridge
