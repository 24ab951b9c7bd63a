#include "error.h"

#include <pybind11/pybind11.h>

#include <cstring>

#include "py_to_js.h"

namespace py = pybind11;

namespace bridge {

namespace {

constexpr char kPythonError[] = "ERR_WANGP_PYTHON";
constexpr char kCodePrefix[] = "ERR_WANGP_";

// What `callable` gives as a string value; an empty string where that raises in its turn.
template <typename Callable>
Value TextOr(const char* fallback, Callable callable) {
  try {
    return FromPythonString(callable().ptr());
  } catch (const py::error_already_set&) {
    return Value{std::string(fallback)};
  }
}

py::str QualifiedName(const py::handle& type) {
  py::str name = type.attr("__qualname__");
  const py::str module = type.attr("__module__");
  return module.equal(py::str("builtins")) ? name : py::str("{}.{}").format(module, name);
}

// The exception's `code`, where that is one of this package's.
std::string CodeOf(const py::object& exception) {
  try {
    const py::object code = py::getattr(exception, "code", py::none());
    if (py::isinstance<py::str>(code)) {
      const auto text = code.cast<std::string>();
      if (text.rfind(kCodePrefix, 0) == 0) return text;
    }
  } catch (const std::exception&) {
    // An exception whose `code` cannot be read keeps the general one.
  }
  return kPythonError;
}

void Describe(const py::object& exception, ErrorInfo* info) {
  const py::handle type(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())));
  info->python_type = TextOr("BaseException", [&] { return QualifiedName(type); });
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
  info.message = TextOr("", [&] { return py::str(value); });
  if (info.code == kPythonError) {
    Describe(value, &info);
  } else if (const auto cause = py::reinterpret_steal<py::object>(PyException_GetCause(value.ptr()))) {
    Describe(cause, &info);
  }
  return info;
}

ErrorInfo MakeError(const char* code, const std::string& message) {
  ErrorInfo info;
  info.code = code;
  info.message = FromUtf8(message);
  return info;
}

Napi::Value ToJsError(Napi::Env env, const ErrorInfo& error) {
  const Napi::Value message = ToJs(env, error.message);
  const Napi::Error result = Napi::Error::New(env, message.ToString().Utf8Value());
  result.Set("code", Napi::String::New(env, error.code));
  if (!std::holds_alternative<std::nullptr_t>(error.python_type.data)) {
    result.Set("pythonType", ToJs(env, error.python_type));
    result.Set("pythonTraceback", ToJs(env, error.traceback));
  }
  return result.Value();
}

}  // namespace bridge
