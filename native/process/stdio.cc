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
    fcntl(descriptor, F_SETFD, 0);  // FD_CLOEXEC is the only flag there is
  }
}

#endif

}  // namespace bridge
