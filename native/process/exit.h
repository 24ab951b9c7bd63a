// How the process ends: past the destructors of C++ libraries, which would run under Python's live threads.
#pragma once

namespace bridge {

// Any JS thread, when the core is loaded into it: the main thread knows nothing of a Python that only Workers use. Not
// at the exit: the first call of a thread takes the dynamic linker's lock, which a Python thread may hold for seconds.
// With glibc the process then leaves with the exit code that it was given, after the host's own listeners.
void LeaveWithoutDestructors();

// Main JS thread, in the `exit` listener. Elsewhere than with glibc: writes what Python printed.
void OnProcessExit();

}  // namespace bridge
