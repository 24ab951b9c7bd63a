// What ties this process to the one that started it.
#pragma once

#include <cstdint>

namespace bridge {

// Has this process end after its parent, however that ends: soon, so that what is on its way may still be written, and
// whatever its threads are doing. False where `parent` is not this process's parent (any more). Once a process.
bool EndAfterParent(int64_t parent);

}  // namespace bridge
