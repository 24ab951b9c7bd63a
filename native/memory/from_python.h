// Memory of Python's objects: by the buffer protocol (Py_buffer) or DLPack.
#pragma once

#include <Python.h>

#include <memory>

#include "memory/memory.h"

namespace bridge {

// GIL held. `zero_copy` false says that `exporter` is a private copy. Raises a Python exception (as error_already_set)
// where `exporter` offers neither protocol, or where its memory is not contiguous, not writable, not the CPU's, or of a
// type that JavaScript has no array for.
std::shared_ptr<Memory> MemoryFromPython(PyObject* exporter, bool zero_copy);

}  // namespace bridge
