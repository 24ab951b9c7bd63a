#include "process/parent.h"

#ifdef __linux__
#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>
#endif

namespace bridge {

#ifdef __linux__

bool EndWithParent(int64_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before.
  return getppid() == static_cast<pid_t>(parent);
}

#else

bool EndWithParent(int64_t) { return true; }

#endif

}  // namespace bridge
