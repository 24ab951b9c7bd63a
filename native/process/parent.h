// What ties this process to the one that started it.
#pragma once

#include <cstdint>

namespace bridge {

// Has the system kill this process when the thread that started it ends, however that ends. False where `parent` is not
// this process's parent (any more). Where the system has no such thing (all but Linux) nothing is done: the end of the
// pipe to the parent tells there. JS thread.
bool EndWithParent(int64_t parent);

}  // namespace bridge
