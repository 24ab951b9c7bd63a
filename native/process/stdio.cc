#include "process/stdio.h"

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>
#endif

namespace bridge {

#ifdef _WIN32

// Python duplicates the handles that a program is to have.
void LetProgramsInheritStdio() {}

#else

void LetProgramsInheritStdio() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    const int flags = fcntl(descriptor, F_GETFD);
    if (flags != -1) fcntl(descriptor, F_SETFD, flags & ~FD_CLOEXEC);
  }
}

#endif

}  // namespace bridge
