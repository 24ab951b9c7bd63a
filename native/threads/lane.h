// Queues of work for Python threads. The JS thread only ever posts: it never takes the GIL and never waits.
//
// Two lanes live as long as the process, each with a thread: the command lane (short calls, on the thread that owns the
// interpreter) and the control lane (cancel, and references that JavaScript let go of), which is never behind a
// command. Both are allocated once and never destroyed: exit() runs destructors under live threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "memory/memory.h"

namespace bridge {

// Holds the GIL for a scope. Any thread but a JS thread.
class Gil {
 public:
  Gil() : state_(PyGILState_Ensure()) {}
  ~Gil() { PyGILState_Release(state_); }
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;

 private:
  PyGILState_STATE state_;
};

class Lane {
 public:
  using Task = std::function<void()>;

  // Any thread. `task` runs with the GIL held and must not throw.
  void Post(Task task);
  // Any thread.
  void Release(const Reference& reference);
  // The lane's own thread, GIL not held; never returns.
  [[noreturn]] void Run();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::vector<Reference> released_;
};

Lane& CommandLane();
Lane& ControlLane();

// Starts a detached thread with Python's usual depth of recursion in mind (16 MB of stack). Any thread.
// Throws std::system_error where the system refuses.
void StartThread(std::function<void()> body);

}  // namespace bridge
