#include "process/reap.h"

#ifndef _WIN32

#include <sys/wait.h>

#include <cerrno>
#include <system_error>

#include "threads/thread.h"

#endif

namespace bridge {

#ifdef _WIN32

void Reap(int64_t) {}

#else

void Reap(int64_t child) {
  try {
    StartThread([child] {
      const auto number = static_cast<pid_t>(child);
      while (waitpid(number, nullptr, 0) == -1 && errno == EINTR) continue;
    });
  } catch (const std::system_error&) {
    return;  // a zombie, until this process ends
  }
}

#endif

}  // namespace bridge
