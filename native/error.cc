#include "error.h"

#include <pybind11/pybind11.h>

#include <cstring>

#include "values/py_to_value.h"

namespace py = pybind11;

namespace bridge {

namespace {

constexpr char kPythonError[] = "ERR_WANGP_PYTHON";
constexpr char kCodePrefix[] = "ERR_WANGP_";

// What `callable` gives as a string value; `fallback` (UTF-8) where that raises in its turn.
template <typename Callable>
Value TextOr(const char* fallback, Callable callable) {
  try {
    return FromPythonString(callable().ptr());
  } catch (const py::error_already_set&) {
    return FromUtf8(fallback);
  }
}

py::str QualifiedName(const py::handle& type) {
  py::str name = type.attr("__qualname__");
  const py::object module = py::getattr(type, "__module__", py::none());
  if (!py::isinstance<py::str>(module) || module.equal(py::str("builtins"))) return name;
  return py::str("{}.{}").format(module, name);
}

// The exception's `code`, where that is one of this package's.
std::string CodeOf(const py::object& exception) {
  try {
    const py::object code = py::getattr(exception, "code", py::none());
    if (py::isinstance<py::str>(code)) {
      const auto text = code.cast<std::string>();
      if (text.starts_with(kCodePrefix)) return text;
    }
    return kPythonError;
  } catch (const std::exception&) {
    return kPythonError;  // its `code` cannot be read
  }
}

// "KeyError: 'x'": many messages say little without their type, and some exceptions have none.
py::str Summary(const py::object& exception) {
  const py::str name = QualifiedName(py::type::handle_of(exception));
  const py::str text(exception);
  return py::len(text) == 0 ? name : py::str("{}: {}").format(name, text).cast<py::str>();
}

void Describe(const py::object& exception, ErrorInfo* info) {
  const py::handle type = py::type::handle_of(exception);
  info->python_type = TextOr(Py_TYPE(exception.ptr())->tp_name, [&] { return QualifiedName(type); });
  info->python_message = TextOr("", [&] { return py::str(exception); });
  info->traceback = TextOr("", [&] {
    const py::module_ module = py::module_::import("traceback");
    const auto traceback = py::reinterpret_steal<py::object>(PyException_GetTraceback(exception.ptr()));
    const py::object lines =
        module.attr("format_exception")(type, exception, traceback ? traceback : py::object(py::none()));
    return py::str("").attr("join")(lines).cast<py::str>();
  });
}

}  // namespace

ErrorInfo TakePythonError() {
  PyObject* raw_type = nullptr;
  PyObject* raw_value = nullptr;
  PyObject* raw_traceback = nullptr;
  PyErr_Fetch(&raw_type, &raw_value, &raw_traceback);
  PyErr_NormalizeException(&raw_type, &raw_value, &raw_traceback);
  const auto type = py::reinterpret_steal<py::object>(raw_type);
  const auto value = py::reinterpret_steal<py::object>(raw_value);
  const auto traceback = py::reinterpret_steal<py::object>(raw_traceback);
  ErrorInfo info;
  info.code = kPythonError;
  if (!value) {
    info.message = Value{std::string("Python reported a failure without an exception")};
    return info;
  }
  if (traceback) PyException_SetTraceback(value.ptr(), traceback.ptr());
  info.code = CodeOf(value);
  if (info.code == kPythonError) {
    info.message = TextOr(Py_TYPE(value.ptr())->tp_name, [&] { return Summary(value); });
    Describe(value, &info);
  } else {
    info.message = TextOr("", [&] { return py::str(value); });
    const auto cause = py::reinterpret_steal<py::object>(PyException_GetCause(value.ptr()));
    if (cause) Describe(cause, &info);
  }
  return info;
}

}  // namespace bridge
