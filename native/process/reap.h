// Children that end when nobody is left to ask for it.
#pragma once

#include <cstdint>

namespace bridge {

// Takes the end of a child of this process from the system, whenever that comes: it would stay as a zombie. For a child
// whose event loop, libuv's, is going: a Worker's. Any thread; doesn't throw. Nothing on Windows.
void Reap(int64_t child);

// Whether a child has ended, or is stopped, even if nobody has been told of it yet: that is left to whom it is told.
bool IsAtRest(int64_t child);

}  // namespace bridge
