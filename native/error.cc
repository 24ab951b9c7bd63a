#include "error.h"

#include <pybind11/pybind11.h>

#include <cstring>

#include "py_to_js.h"

namespace py = pybind11;

namespace bridge {

namespace {

constexpr char kPythonError[] = "ERR_WANGP_PYTHON";

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
  const py::str name = type.attr("__qualname__");
  const py::str module = type.attr("__module__");
  if (module.equal(py::str("builtins"))) return name;
  return py::str("{}.{}").format(module, name);
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
  if (!type || !value) {
    info.message = Value{std::string("Python reported a failure without an exception")};
    return info;
  }
  info.python_type = TextOr("BaseException", [&] { return QualifiedName(type); });
  info.message = TextOr("", [&] { return py::str(value); });
  info.traceback = TextOr("", [&] {
    const py::module_ module = py::module_::import("traceback");
    const py::object lines =
        module.attr("format_exception")(type, value, traceback ? traceback : py::object(py::none()));
    return py::str("").attr("join")(lines).cast<py::str>();
  });
  try {
    const py::object code = py::getattr(value, "code", py::none());
    if (py::isinstance<py::str>(code)) {
      const auto text = code.cast<std::string>();
      if (text.rfind("ERR_", 0) == 0) info.code = text;
    }
  } catch (const py::error_already_set&) {
    // An exception whose `code` cannot be read keeps the general one.
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
