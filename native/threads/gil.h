// Python's global lock for the threads of this addon. No Python.h here: what only posts to a lane needs none.
#pragma once

namespace bridge {

// Holds the GIL for a scope. Any thread but a JS thread.
class Gil {
 public:
  Gil();
  ~Gil();
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;

 private:
  int state_;  // a PyGILState_STATE
};

// Gives the calling thread a thread state for good: thread-local values of Python's survive from scope to scope. Once a
// thread, GIL not held.
void KeepThreadState();

}  // namespace bridge
