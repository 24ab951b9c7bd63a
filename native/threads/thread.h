// Threads that run Python, or may.
#pragma once

#include <functional>

namespace bridge {

// Starts a detached thread with Python's usual depth of recursion in mind (16 MiB of stack). Any thread.
// Throws std::system_error where the system refuses.
void StartThread(std::function<void()> body);

}  // namespace bridge
