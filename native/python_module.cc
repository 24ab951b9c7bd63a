#include "python_module.h"

#include <pybind11/pybind11.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "events/outbox.h"
#include "memory/from_python.h"
#include "process/console.h"
#include "process/directory.h"
#include "values/py_to_value.h"

namespace py = pybind11;

namespace bridge {

namespace {

// What has no room on its way arrives without its data: nothing here may raise into WanGP for want of memory.
Value ToValue(const py::object& data) {
  try {
    return FromPython(data.ptr());
  } catch (const std::exception&) {
    return {};
  }
}

void Emit(int64_t channel, std::string kind, const py::object& data, double timestamp, int overflow) {
  const std::shared_ptr<Outbox> outbox = Outbox::Find(channel);
  if (outbox == nullptr) return;
  outbox->Push({channel, std::move(kind), ToValue(data), timestamp, 0, static_cast<Overflow>(overflow)});
}

std::shared_ptr<Memory> MakeMemory(const py::object& exporter, bool zero_copy) {
  return MemoryFromPython(exporter.ptr(), zero_copy);
}

py::tuple Shape(const Memory& memory) {
  py::tuple shape(memory.shape().size());
  for (size_t axis = 0; axis < memory.shape().size(); ++axis) shape[axis] = memory.shape()[axis];
  return shape;
}

void WriteConsole(int descriptor, const py::bytes& bytes) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes.ptr(), &data, &size) != 0) throw py::error_already_set();
  std::string text(data, static_cast<size_t>(size));
  const py::gil_scoped_release released;
  Console().Write(descriptor, std::move(text));
}

}  // namespace

PYBIND11_MODULE(_wangp_native, module) {
  module.doc() = "What the host process offers to the Python side of the bridge.";
  module.attr("KEEP") = static_cast<int>(Overflow::kKeep);
  module.attr("KEEP_LATEST") = static_cast<int>(Overflow::kKeepLatest);
  module.attr("DROP_OLDEST") = static_cast<int>(Overflow::kDropOldest);
  module.def("emit", &Emit, py::arg("channel"), py::arg("kind"), py::arg("data"), py::arg("timestamp"),
             py::arg("overflow"),
             "Queues an event for the channel's listener and returns. Unknown channels are ignored. Any thread.");
  module.def(
      "set_adapter", [](const py::object& adapter) { SetAdapter(adapter.ptr()); }, py::arg("adapter"),
      "Sets what turns objects of other than Python's plain types into plain values.");
  module.def("own_working_directory", &OwnWorkingDirectory,
             "Gives the calling thread its own working directory; False where the system refuses.");
  module.def("write_console", &WriteConsole, py::arg("descriptor"), py::arg("data"),
             "Queues bytes for a file descriptor and returns; they are written in order, whatever the descriptor's "
             "mode. Any thread.");
  py::class_<Memory, std::shared_ptr<Memory>>(
      module, "Memory", "Contiguous CPU memory on its way out, kept alive until nobody looks at it any more.")
      .def(py::init(&MakeMemory), py::arg("exporter"), py::kw_only(), py::arg("zero_copy"),
           "From an object with the buffer protocol or DLPack. zero_copy=False says that `exporter` is a private copy. "
           "Raises TypeError or BufferError where the memory can't be shared as it is.")
      .def_property_readonly("shape", &Shape)
      .def_property_readonly("dtype", &Memory::dtype)
      .def_property_readonly("address",
                             [](const Memory& memory) { return reinterpret_cast<uintptr_t>(memory.data()); });
}

PyObject* InitPythonModule() { return PyInit__wangp_native(); }

}  // namespace bridge
