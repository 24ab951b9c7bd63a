#include "memory/memory.h"

#include <pybind11/pybind11.h>

#include <atomic>

#include "threads/lane.h"

namespace py = pybind11;

namespace bridge {

namespace {

std::atomic<int64_t> live_count{0};

// NumPy's names for the element types that JavaScript has an array for; empty where it has none.
std::string DtypeName(char kind, size_t item_size) {
  const bool is_known = kind == 'b' ? item_size == 1 : item_size <= 8 && (kind != 'f' || item_size >= 4);
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

std::shared_ptr<Memory> FromBuffer(PyObject* exporter, bool zero_copy) {
  // A private copy may be read-only for Python (bytes): nobody else looks at it.
  const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (zero_copy ? PyBUF_WRITABLE : 0);
  Reference reference;
  if (PyObject_GetBuffer(exporter, &reference.buffer, flags) != 0) throw py::error_already_set();
  const Py_buffer& buffer = reference.buffer;
  const std::string dtype = DtypeName(KindOfFormat(buffer.format), static_cast<size_t>(buffer.itemsize));
  if (dtype.empty()) {
    const std::string message = std::string("buffer format '") + buffer.format + "' has no counterpart in JavaScript";
    reference.Drop();
    Raise(PyExc_BufferError, message);
  }
  auto memory = std::make_shared<Memory>();
  memory->data = buffer.buf;
  memory->size = static_cast<size_t>(buffer.len);
  memory->dtype = dtype;
  memory->shape.assign(buffer.shape, buffer.shape + buffer.ndim);
  memory->zero_copy = zero_copy;
  memory->owner = std::make_shared<Owner>(reference);
  return memory;
}

std::shared_ptr<Memory> FromDLPack(PyObject* exporter, bool zero_copy) {
  const auto capsule = py::reinterpret_steal<py::object>(PyObject_CallMethod(exporter, "__dlpack__", nullptr));
  if (!capsule) throw py::error_already_set();
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (managed == nullptr) throw py::error_already_set();
  const DLTensor& tensor = managed->dl_tensor;
  const size_t item_size = tensor.dtype.bits / 8U;
  const std::string dtype = tensor.dtype.lanes == 1 ? DtypeName(KindOfDLPack(tensor.dtype.code), item_size) : "";
  // Until it is renamed the capsule still owns the tensor, so raising here leaks nothing.
  if (tensor.device.device_type != kDLCPU) Raise(PyExc_BufferError, "the tensor is not in the CPU's memory");
  if (!IsContiguous(tensor)) Raise(PyExc_BufferError, "the tensor is not C-contiguous");
  if (dtype.empty()) Raise(PyExc_BufferError, "the tensor's element type has no counterpart in JavaScript");
  if (PyCapsule_SetName(capsule.ptr(), "used_dltensor") != 0) throw py::error_already_set();

  auto memory = std::make_shared<Memory>();
  memory->data = static_cast<uint8_t*>(tensor.data) + tensor.byte_offset;
  memory->shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  memory->size = item_size;
  for (const int64_t extent : memory->shape) memory->size *= static_cast<size_t>(extent);
  memory->dtype = dtype;
  memory->zero_copy = zero_copy;
  Reference reference;
  reference.tensor = managed;
  memory->owner = std::make_shared<Owner>(reference);
  return memory;
}

}  // namespace

void Reference::Drop() {
  if (buffer.obj != nullptr) PyBuffer_Release(&buffer);
  if (tensor != nullptr && tensor->deleter != nullptr) tensor->deleter(tensor);
  tensor = nullptr;
}

Owner::Owner(const Reference& reference) : reference_(reference) { ++live_count; }

Owner::~Owner() {
  --live_count;
  if (PyGILState_Check() != 0) {
    reference_.Drop();
  } else {
    ControlLane().Release(reference_);
  }
}

int64_t Owner::LiveCount() { return live_count.load(); }

std::shared_ptr<Memory> Memory::FromPython(PyObject* exporter, bool zero_copy) {
  if (PyObject_CheckBuffer(exporter) != 0) return FromBuffer(exporter, zero_copy);
  if (PyObject_HasAttrString(exporter, "__dlpack__") != 0) return FromDLPack(exporter, zero_copy);
  Raise(PyExc_TypeError,
        std::string("'") + Py_TYPE(exporter)->tp_name + "' offers neither the buffer protocol nor DLPack");
}

}  // namespace bridge
