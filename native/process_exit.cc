#include "process_exit.h"

#include <chrono>
#include <cstdlib>

#include "console.h"

#ifndef _WIN32
#include <unistd.h>
#endif

namespace bridge {

namespace {

constexpr std::chrono::milliseconds kConsoleGrace{2000};

[[maybe_unused]] void Leave(int code, void*) {
  Console().Drain(kConsoleGrace);
  _exit(code);
}

}  // namespace

void LeaveWithoutDestructors() {
#ifdef __GLIBC__
  static bool registered = false;
  if (registered) return;
  registered = true;
  // The last handler registered is the first to run.
  on_exit(Leave, nullptr);
#else
  Console().Drain(kConsoleGrace);
#endif
}

}  // namespace bridge
