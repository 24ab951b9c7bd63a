#include "memory/from_python.h"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "memory/dlpack.h"
#include "threads/lane.h"

namespace py = pybind11;

namespace bridge {

namespace {

// NumPy's names for the element types that JavaScript has an array for; empty where it has none.
std::string DtypeName(char kind, size_t item_size) {
  const bool is_power = item_size == 1 || item_size == 2 || item_size == 4 || item_size == 8;
  const bool is_known = kind == 'b' ? item_size == 1 : is_power && (kind != 'f' || item_size >= 4);
  if (!is_known) return "";
  const std::string bits = std::to_string(item_size * 8);
  switch (kind) {
    case 'b':
      return "bool";
    case 'u':
      return "uint" + bits;
    case 'i':
      return "int" + bits;
    case 'f':
      return "float" + bits;
    default:
      return "";
  }
}

// `format` as in Python's struct module, in native or standard size.
char KindOfFormat(const char* format) {
  if (format == nullptr) return 'u';
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (*format == '\0' || format[1] != '\0') return 0;
  switch (*format) {
    case '?':
      return 'b';
    case 'B':
    case 'c':
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
    case 'N':
      return 'u';
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q':
    case 'n':
      return 'i';
    case 'e':
    case 'f':
    case 'd':
      return 'f';
    default:
      return 0;
  }
}

char KindOfDLPack(uint8_t code) {
  switch (code) {
    case kDLBool:
      return 'b';
    case kDLUInt:
      return 'u';
    case kDLInt:
      return 'i';
    case kDLFloat:
      return 'f';
    default:
      return 0;
  }
}

[[noreturn]] void Raise(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  throw py::error_already_set();
}

bool IsContiguous(const DLTensor& tensor) {
  if (tensor.strides == nullptr) return true;
  int64_t expected = 1;
  for (int32_t axis = tensor.ndim - 1; axis >= 0; --axis) {
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

// What Python wants back. Its destructor gives that back; a Python thread, GIL held. That is a task of the release
// lane, whichever thread lets go: no thread can ask whether it holds the GIL, because PyGILState_Check() answers yes to
// all of them once the process has had a subinterpreter.
class PythonReference : public Memory::Owner {
 public:
  void LetGo() final {
    try {
      ReleaseLane().Post([this] { delete this; });
    } catch (const std::bad_alloc&) {
      return;  // lost, rather than given back without the GIL
    }
  }
};

// Filled where it stays: an exporter may let `shape` point into the Py_buffer itself, and looks there at the release.
class BufferReference final : public PythonReference {
 public:
  // Throws error_already_set; then there is nothing to give back.
  BufferReference(PyObject* exporter, int flags) {
    if (PyObject_GetBuffer(exporter, &buffer_, flags) != 0) throw py::error_already_set();
  }
  ~BufferReference() override { PyBuffer_Release(&buffer_); }
  BufferReference(const BufferReference&) = delete;
  BufferReference& operator=(const BufferReference&) = delete;

  [[nodiscard]] const Py_buffer& buffer() const { return buffer_; }

 private:
  Py_buffer buffer_{};
};

class DLPackReference final : public PythonReference {
 public:
  explicit DLPackReference(DLManagedTensor* tensor) : tensor_(tensor) {}
  ~DLPackReference() override {
    if (tensor_->deleter != nullptr) tensor_->deleter(tensor_);
  }
  DLPackReference(const DLPackReference&) = delete;
  DLPackReference& operator=(const DLPackReference&) = delete;

 private:
  DLManagedTensor* tensor_;
};

std::shared_ptr<Memory> FromBuffer(PyObject* exporter, bool zero_copy) {
  // A private copy may be read-only for Python (bytes): nobody else looks at it.
  const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (zero_copy ? PyBUF_WRITABLE : 0);
  auto reference = std::make_unique<BufferReference>(exporter, flags);
  const Py_buffer& buffer = reference->buffer();
  std::string dtype = DtypeName(KindOfFormat(buffer.format), static_cast<size_t>(buffer.itemsize));
  if (dtype.empty()) {
    const std::string format = buffer.format == nullptr ? "B" : buffer.format;
    Raise(PyExc_BufferError, "buffer format '" + format + "' has no counterpart in JavaScript");
  }
  Memory::Layout layout;
  layout.data = buffer.buf;
  layout.size = static_cast<size_t>(buffer.len);
  layout.dtype = std::move(dtype);
  layout.shape.assign(buffer.shape, buffer.shape + buffer.ndim);
  layout.zero_copy = zero_copy;
  return std::make_shared<Memory>(std::move(reference), std::move(layout));
}

std::shared_ptr<Memory> FromDLPack(PyObject* exporter, bool zero_copy) {
  const auto capsule = py::reinterpret_steal<py::object>(PyObject_CallMethod(exporter, "__dlpack__", nullptr));
  if (!capsule) throw py::error_already_set();
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (managed == nullptr) throw py::error_already_set();
  const DLTensor& tensor = managed->dl_tensor;
  // Until it is renamed the capsule still owns the tensor, so raising here leaks nothing.
  if (tensor.device.device_type != kDLCPU) Raise(PyExc_BufferError, "the tensor is not in the CPU's memory");
  if (!IsContiguous(tensor)) Raise(PyExc_BufferError, "the tensor is not C-contiguous");
  const bool has_whole_bytes = tensor.dtype.lanes == 1 && tensor.dtype.bits % 8U == 0;
  const size_t item_size = tensor.dtype.bits / 8U;
  std::string dtype = has_whole_bytes ? DtypeName(KindOfDLPack(tensor.dtype.code), item_size) : "";
  if (dtype.empty()) Raise(PyExc_BufferError, "the tensor's element type has no counterpart in JavaScript");

  Memory::Layout layout;
  layout.data = static_cast<uint8_t*>(tensor.data) + tensor.byte_offset;
  layout.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  layout.size = item_size;
  for (const int64_t extent : layout.shape) layout.size *= static_cast<size_t>(extent);
  layout.dtype = std::move(dtype);
  layout.zero_copy = zero_copy;
  if (PyCapsule_SetName(capsule.ptr(), "used_dltensor") != 0) throw py::error_already_set();
  return std::make_shared<Memory>(std::make_unique<DLPackReference>(managed), std::move(layout));
}

}  // namespace

std::shared_ptr<Memory> MemoryFromPython(PyObject* exporter, bool zero_copy) {
  if (PyObject_CheckBuffer(exporter) != 0) return FromBuffer(exporter, zero_copy);
  if (PyObject_HasAttrString(exporter, "__dlpack__") != 0) return FromDLPack(exporter, zero_copy);
  Raise(PyExc_TypeError,
        std::string("'") + Py_TYPE(exporter)->tp_name + "' offers neither the buffer protocol nor DLPack");
}

}  // namespace bridge
