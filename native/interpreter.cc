#include "interpreter.h"

#include <pybind11/pybind11.h>
#include <structmember.h>

#ifdef _WIN32
#include <windows.h>
#endif

#include <atomic>
#include <mutex>
#include <system_error>
#include <utility>

#include "error.h"
#include "process/directory.h"
#include "process/stdio.h"
#include "python_module.h"
#include "threads/gil.h"
#include "threads/lane.h"
#include "threads/thread.h"
#include "values/py_to_value.h"
#include "values/value_to_py.h"

namespace py = pybind11;

namespace bridge {

namespace {

// Written by the Python thread before the first `kRunning`, read-only afterwards. Never destroyed.
struct Interpreter {
  std::mutex mutex;
  enum { kIdle, kStarting, kRunning, kFailed } state = kIdle;
  std::vector<Caller> waiting;  // for the start to end
  ErrorInfo failure;
  Value info;
  PyObject* bridge = nullptr;  // what the bridge module's `prepare` gave: its attributes are what calls name
};

Interpreter& TheInterpreter() {
  static auto* interpreter = new Interpreter;
  return *interpreter;
}

void Settle(const Caller& caller, std::variant<Value, ErrorInfo> outcome) {
  if (caller.deferred != nullptr) caller.outbox->Settle({caller.deferred, std::move(outcome)});
}

// --- start, on the permanent Python thread ---

// `sys.flags` would tell child processes that site was left out; it was only imported later.
void ForgetNoSite() {
  PyObject* flags = PySys_GetObject("flags");
  const PyMemberDef* members = Py_TYPE(flags)->tp_members;
  for (Py_ssize_t index = 0; members[index].name != nullptr; ++index) {
    if (std::string(members[index].name) != "no_site") continue;
    PyObject* previous = PyStructSequence_GetItem(flags, index);
    PyStructSequence_SetItem(flags, index, PyLong_FromLong(0));
    Py_XDECREF(previous);
  }
}

ErrorInfo StatusError(const InterpreterConfig& config, const PyStatus& status) {
  std::string message = config.executable + " did not start";
  if (status.err_msg != nullptr) message += std::string(": ") + status.err_msg;
  return MakeError("ERR_WANGP_PYTHON_START", message + ". Check that this interpreter runs from a shell");
}

#ifdef _WIN32

// The paths are UTF-8, and the code page that PyConfig_SetBytesString decodes with is not.
PyStatus SetPath(PyConfig* config, wchar_t** field, const std::string& path) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
  return PyConfig_SetString(config, field, wide.c_str());
}

#else

// The bytes of a path are the system's, whatever the locale; Python encodes them back the same way.
PyStatus SetPath(PyConfig* config, wchar_t** field, const std::string& path) {
  return PyConfig_SetBytesString(config, field, path.c_str());
}

#endif

// Without site: what site's .pth files import must find the C modules of the standard library bound already.
bool Initialize(const InterpreterConfig& config, ErrorInfo* failure) {
  // In the C locale Python would set LC_CTYPE in the environment of the whole process. It has its UTF-8 mode instead.
  PyPreConfig locale;
  PyPreConfig_InitPythonConfig(&locale);
  locale.coerce_c_locale = 0;
  locale.parse_argv = 0;
  PyStatus status = Py_PreInitialize(&locale);
  if (PyStatus_Exception(status) != 0) {
    *failure = StatusError(config, status);
    return false;
  }
  PyConfig python;
  PyConfig_InitPythonConfig(&python);
  python.install_signal_handlers = 0;
  python.parse_argv = 0;
  python.site_import = 0;
  status = SetPath(&python, &python.program_name, config.executable);
  if (PyStatus_Exception(status) == 0) status = SetPath(&python, &python.executable, config.executable);
  if (PyStatus_Exception(status) == 0) status = Py_InitializeFromConfig(&python);
  PyConfig_Clear(&python);
  if (PyStatus_Exception(status) == 0) return true;
  *failure = StatusError(config, status);
  return false;
}

Value Describe(const InterpreterConfig& config, bool own_directory) {
  Object info;
  const auto add = [&info](const char* name, Value value) { info.push_back({{std::string(name)}, std::move(value)}); };
  add("version", {std::string(Py_GetVersion(), std::string(Py_GetVersion()).find(' '))});
  add("executable", FromUtf8(config.executable));
  add("ownWorkingDirectory", {own_directory});
  return {std::move(info)};
}

// GIL held. Throws error_already_set.
void LoadBridge(const InterpreterConfig& config) {
  py::module_::import("sys").attr("path").attr("append")(config.bridge_path);
  py::module_ bridge = py::module_::import(config.bridge_module.c_str());
  py::object functions = bridge.attr("prepare")(config.deep_bind);
  ForgetNoSite();
  LoadJson();
  TheInterpreter().bridge = functions.release().ptr();
}

void FinishStart(std::variant<Value, ErrorInfo> outcome) {
  Interpreter& interpreter = TheInterpreter();
  std::vector<Caller> waiting;
  {
    const std::scoped_lock lock(interpreter.mutex);
    if (const auto* failure = std::get_if<ErrorInfo>(&outcome)) {
      interpreter.state = Interpreter::kFailed;
      interpreter.failure = *failure;
    } else {
      interpreter.state = Interpreter::kRunning;
      interpreter.info = std::get<Value>(outcome);
    }
    waiting.swap(interpreter.waiting);
  }
  for (const Caller& caller : waiting) Settle(caller, outcome);
}

void StartLane(Lane& lane) {
  StartThread([&lane] {
    OwnWorkingDirectory();
    KeepThreadState();
    lane.Run();
  });
}

// The start's error, as the exception that is set tells it.
ErrorInfo StartError() {
  ErrorInfo info = TakePythonError();
  info.code = "ERR_WANGP_PYTHON_START";
  return info;
}

// Python thread, GIL not held. The lanes are served where the bridge can be called.
std::variant<Value, ErrorInfo> StartLanes(std::variant<Value, ErrorInfo> outcome) {
  if (std::holds_alternative<ErrorInfo>(outcome)) return outcome;
  try {
    StartLane(ControlLane());
    StartLane(ReleaseLane());
    return outcome;
  } catch (const std::system_error& error) {
    return MakeError("ERR_WANGP_PYTHON_START", error.what());
  }
}

void RunPythonThread(const InterpreterConfig& config) {
  const bool own_directory = OwnWorkingDirectory();
  ErrorInfo failure;
  LetProgramsInheritStdio();
  PyImport_AppendInittab(kPythonModuleName, InitPythonModule);
  if (!Initialize(config, &failure)) {
    FinishStart(failure);
    return;
  }
  std::variant<Value, ErrorInfo> outcome;
  try {
    LoadBridge(config);
    outcome = Describe(config, own_directory);
  } catch (py::error_already_set& error) {
    // The interpreter lives, but nothing can be called in it.
    error.restore();
    outcome = StartError();
  }
  PyEval_SaveThread();
  FinishStart(StartLanes(std::move(outcome)));
  CommandLane().Run();
}

// --- calls, on a Python thread with the GIL ---

void RunCall(const Call& call) {
  // Its client has gone: nobody could give back what it would make.
  if (call.caller.outbox != nullptr && call.caller.outbox->has_ended()) return;
  std::variant<Value, ErrorInfo> outcome;
  try {
    const py::handle bridge(TheInterpreter().bridge);
    const py::object arguments = ToPython(call.arguments);
    const py::object result = bridge.attr(call.function.c_str())(*py::tuple(arguments));
    outcome = FromPython(result.ptr());
  } catch (py::error_already_set& error) {
    error.restore();
    outcome = TakePythonError();
  } catch (const std::exception& error) {
    outcome = MakeError("ERR_WANGP_PYTHON", std::string("a value could not be converted: ") + error.what());
  }
  Settle(call.caller, std::move(outcome));
  if (call.channel != 0) call.caller.outbox->OpenChannel(call.channel);
}

void RunThread(const std::shared_ptr<Call>& call) {
  if (OwnWorkingDirectory() && !call->directory.empty() && !ChangeDirectory(call->directory)) {
    Settle(call->caller, MakeError("ERR_WANGP_FILE", "the working directory " + call->directory + " does not exist"));
    return;
  }
  const Gil gil;
  RunCall(*call);
  call->arguments = {};  // with the GIL held
}

}  // namespace

std::string PythonVersion() { return std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION); }

void StartInterpreter(InterpreterConfig config, Caller caller) {
  Interpreter& interpreter = TheInterpreter();
  const std::scoped_lock lock(interpreter.mutex);
  switch (interpreter.state) {
    case Interpreter::kIdle:
      try {
        StartThread([config = std::move(config)] { RunPythonThread(config); });
      } catch (const std::system_error& error) {
        // Nothing is lost: a later start may find room.
        Settle(caller, MakeError("ERR_WANGP_PYTHON_START", error.what()));
        return;
      }
      interpreter.state = Interpreter::kStarting;
      [[fallthrough]];
    case Interpreter::kStarting:
      interpreter.waiting.push_back(std::move(caller));
      return;
    case Interpreter::kRunning:
      Settle(caller, interpreter.info);
      return;
    case Interpreter::kFailed:
      Settle(caller, interpreter.failure);
      return;
  }
}

void PostCall(Call call) {
  const auto shared = std::make_shared<Call>(std::move(call));
  switch (shared->lane) {
    case CallLane::kCommand:
      CommandLane().Post([shared] { RunCall(*shared); });
      return;
    case CallLane::kControl:
      ControlLane().Post([shared] { RunCall(*shared); });
      return;
    case CallLane::kThread:
      try {
        StartThread([shared] { RunThread(shared); });
      } catch (const std::system_error& error) {
        FreeLevelByLevel(std::move(shared->arguments));
        Settle(shared->caller, MakeError("ERR_WANGP_PYTHON", error.what()));
      }
      return;
  }
}

void AbandonClient(int64_t client, const std::vector<int64_t>& channels) {
  Interpreter& interpreter = TheInterpreter();
  {
    const std::scoped_lock lock(interpreter.mutex);
    if (interpreter.state != Interpreter::kRunning) return;
  }
  Call call;
  call.function = "abandon";
  call.lane = CallLane::kControl;
  Array list;
  for (const int64_t channel : channels) list.push_back({channel});
  call.arguments = {Array{{client}, {std::move(list)}}};
  PostCall(std::move(call));
}

}  // namespace bridge
