#include "process/exit.h"

#include <Python.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <system_error>
#include <utility>

#include "process/console.h"
#include "threads/gil.h"
#include "threads/thread.h"

#ifndef _WIN32
#include <dlfcn.h>
#include <unistd.h>
#endif

namespace bridge {

namespace {

// What is written may wait for a reader that is slow, but not for one that stopped.
constexpr std::chrono::milliseconds kReaderGrace{2000};
constexpr std::chrono::milliseconds kConsoleGrace{30000};
// For a lock that another thread may hold for good: the GIL, those of C's streams.
constexpr std::chrono::milliseconds kLockGrace{500};

// Runs `work` on a thread of its own and waits for it, at most `limit`; afterwards it is left to itself. Main JS
// thread.
void RunWithin(std::chrono::milliseconds limit, std::function<void()> work) {
  const auto done = std::make_shared<std::promise<void>>();
  const std::future<void> ended = done->get_future();
  try {
    StartThread([done, work = std::move(work)] {
      work();
      done->set_value();
    });
  } catch (const std::system_error&) {
    return;  // the system refuses more threads: leave without
  }
  ended.wait_for(limit);
}

// Text that has no line end yet waits in Python's own buffers. A thread of its own, GIL not held.
void FlushPython() {
  if (Py_IsInitialized() == 0) return;
  const Gil gil;
  for (const char* name : {"__stdout__", "__stderr__"}) {
    PyObject* stream = PySys_GetObject(name);
    if (stream == nullptr) continue;
    PyObject* result = PyObject_CallMethod(stream, "flush", nullptr);
    // A stream that refuses has nobody left to tell.
    if (result == nullptr) PyErr_Clear();
    Py_XDECREF(result);
  }
}

// Main JS thread. What Python printed; it can't raise or hang.
void WritePrinted() {
  RunWithin(kLockGrace, FlushPython);
  Console().Drain(kReaderGrace, kConsoleGrace);
}

#ifdef __GLIBC__

// Node puts terminal modes and the descriptors' O_NONBLOCK back in an exit handler, which comes after ours. Its name is
// the mangled `node::ResetStdio()`; a runtime without it resets nothing. Looked up when the core is loaded: at the exit
// a Python thread may be loading a library, and hold the dynamic linker's lock for seconds.
void (*const reset_stdio)() = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, "_ZN4node10ResetStdioEv"));

// What C code has not written yet, as exit() would: its files, and a stdout that it gave a buffer again (Node takes it
// away). The newest streams come first, so that a thread that holds stdout for good keeps nothing from a file. A thread
// of its own.
void FlushStdio() { static_cast<void>(std::fflush(nullptr)); }

// Main JS thread, in exit(): JavaScript has ended, Python's threads run on.
void Leave(int code, void*) {
  WritePrinted();
  if (reset_stdio != nullptr) reset_stdio();
  // Only now: on a full non-blocking pipe C's streams throw away what they hold.
  RunWithin(kLockGrace, FlushStdio);
  _exit(code);
}

// exit() destroys the thread-local objects of its thread before it runs any handler, the last registered one first.
// Only registered there, ours comes before those of a library that a Python thread is loading at this very moment.
struct LeaveFirst {
  LeaveFirst() = default;
  LeaveFirst(const LeaveFirst&) = delete;
  LeaveFirst& operator=(const LeaveFirst&) = delete;
  ~LeaveFirst() { on_exit(Leave, nullptr); }
};

#endif

}  // namespace

void LeaveWithoutDestructors() {
#ifdef __GLIBC__
  // A Worker's is destroyed when its thread ends, which the process waits for before it exits.
  static thread_local LeaveFirst leave_first;
  static_cast<void>(leave_first);
#endif
}

void OnProcessExit() {
#ifndef __GLIBC__
  WritePrinted();
#endif
}

}  // namespace bridge
