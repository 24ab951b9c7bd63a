// JavaScript to Python, the part that needs the GIL; js_to_value.h has the rest.
//
// An integral number becomes int, any other float; null becomes None, bytes a memoryview.
#pragma once

#include <pybind11/pybind11.h>

#include "values/value.h"

namespace bridge {

// GIL held, once, before the first ToPython: takes Python's own json, whatever a library makes of that module later.
// Throws pybind11::error_already_set.
void LoadJson();

// GIL held. Throws pybind11::error_already_set (MemoryError).
pybind11::object ToPython(const Value& value);

}  // namespace bridge
