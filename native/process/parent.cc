#include "process/parent.h"

#include <chrono>
#include <system_error>
#include <thread>

#include "threads/thread.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <unistd.h>

#include <csignal>
#endif

namespace bridge {

namespace {

// JavaScript hears of it at once, by the end of its pipe, and leaves: this is for a process that can't.
constexpr std::chrono::milliseconds kGrace{1300};

#ifdef _WIN32

void EndNow() { TerminateProcess(GetCurrentProcess(), 1); }

#else

constexpr std::chrono::milliseconds kPause{200};

void EndNow() { kill(getpid(), SIGKILL); }

#endif

}  // namespace

#ifdef _WIN32

bool EndAfterParent(int64_t parent) {
  HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(parent));
  if (process == nullptr) return false;
  try {
    StartThread([process] {
      WaitForSingleObject(process, INFINITE);
      std::this_thread::sleep_for(kGrace);
      EndNow();
    });
  } catch (const std::system_error&) {
    CloseHandle(process);  // the pipe has to do
  }
  return true;
}

#else

bool EndAfterParent(int64_t parent) {
  const auto number = static_cast<pid_t>(parent);
  if (getppid() != number) return false;
  try {
    StartThread([number] {
      while (getppid() == number) std::this_thread::sleep_for(kPause);
      std::this_thread::sleep_for(kGrace);
      EndNow();
    });
  } catch (const std::system_error&) {
    return true;  // the pipe has to do
  }
  return true;
}

#endif

}  // namespace bridge
