// Keeps Python's memory alive for JavaScript.
//
// Lifetime: an Owner holds one reference to the exporter (a Py_buffer or a DLPack tensor) and lets go of it when the
// last shared_ptr to it goes: every view was disposed or collected, no message and no token of share() has it any more.
// Letting go needs the GIL; a thread without it queues the reference to the control lane.
#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "memory/dlpack.h"

namespace bridge {

// One reference that Python wants back. Movable, dropped only with the GIL held.
struct Reference {
  Py_buffer buffer{};  // in use where buffer.obj is set
  DLManagedTensor* tensor = nullptr;

  // Any Python thread, GIL held.
  void Drop();
};

class Owner {
 public:
  explicit Owner(const Reference& reference);
  // Any thread, with or without the GIL.
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  // How many there are in the process.
  static int64_t LiveCount();

 private:
  Reference reference_;
};

// C-contiguous memory of the CPU, as both sides describe it.
struct Memory {
  std::shared_ptr<Owner> owner;
  void* data = nullptr;
  size_t size = 0;  // bytes
  std::string dtype;
  std::vector<int64_t> shape;
  bool zero_copy = true;

  // GIL held. Raises a Python exception (as error_already_set) where `exporter` offers neither the buffer protocol nor
  // DLPack, or where its memory is not contiguous, not writable or not the CPU's.
  static std::shared_ptr<Memory> FromPython(PyObject* exporter, bool zero_copy);
};

}  // namespace bridge
