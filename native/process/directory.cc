#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "process/directory.h"

#ifdef __linux__
#include <sched.h>
#include <unistd.h>
#endif

namespace bridge {

#ifdef __linux__

bool OwnWorkingDirectory() { return unshare(CLONE_FS) == 0; }

bool ChangeDirectory(const std::string& path) { return chdir(path.c_str()) == 0; }

#else

bool OwnWorkingDirectory() { return false; }

bool ChangeDirectory(const std::string&) { return false; }

#endif

}  // namespace bridge
