#include "process/reap.h"

#ifdef _WIN32

#include <windows.h>

#else

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "threads/thread.h"

#endif

namespace bridge {

#ifdef _WIN32

void Reap(int64_t) {}

bool IsAtRest(int64_t child) {
  HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(child));
  if (process == nullptr) return true;
  const bool has_ended = WaitForSingleObject(process, 0) == WAIT_OBJECT_0;
  CloseHandle(process);
  return has_ended;
}

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

bool IsAtRest(int64_t child) {
  siginfo_t found{};
  const int result = waitid(P_PID, static_cast<id_t>(child), &found, WEXITED | WSTOPPED | WNOHANG | WNOWAIT);
  return result == -1 ? errno == ECHILD : found.si_pid != 0;
}

#endif

}  // namespace bridge
