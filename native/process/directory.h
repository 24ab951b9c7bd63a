// A working directory for one thread and the threads that it starts, so that Python's `os.chdir` moves neither Node
// nor other jobs. Linux only, and a container's seccomp filter may refuse it.
#pragma once

#include <string>

namespace bridge {

// Gives the calling thread a working directory of its own. False where the system has or allows no such thing.
bool OwnWorkingDirectory();

// Moves the calling thread, which must have its own working directory.
bool ChangeDirectory(const std::string& path);

}  // namespace bridge
