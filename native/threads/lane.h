// Queues of work for Python threads. The JS thread only ever posts: it never takes the GIL and never waits.
//
// Three lanes live as long as the process, each with a thread: the command lane (short calls, on the thread that owns
// the interpreter), the control lane (cancel), which is never behind a command, and the release lane (references that
// Python wants back): a destructor of Python's may take its time, and holds up nobody there. All are allocated once and
// never destroyed: exit() runs destructors under live threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace bridge {

class Lane {
 public:
  using Task = std::function<void()>;

  // Any thread. `task` runs with the GIL held, what it captured is destroyed with the GIL held, and it must not throw.
  void Post(Task task);
  // The lane's own thread, GIL not held; never returns.
  [[noreturn]] void Run();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
};

Lane& CommandLane();
Lane& ControlLane();
Lane& ReleaseLane();

}  // namespace bridge
