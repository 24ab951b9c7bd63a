// Keeps Python's memory alive for JavaScript.
//
// Lifetime: an Owner holds one reference to the exporter (a Py_buffer or a DLPack tensor). It lets go once: at
// Release() (tensor.dispose()), or when the last shared_ptr to it goes (the ArrayBuffer was collected, a message was
// dropped). Letting go needs the GIL; a thread without it queues the reference to the release lane.
#pragma once

#include <Python.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dlpack.h"

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
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  // Any thread, with or without the GIL; idempotent.
  void Release();

  // How many Owners of the process still hold their reference.
  static int64_t LiveCount();

 private:
  Reference reference_;
  std::atomic<bool> held_{true};
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
