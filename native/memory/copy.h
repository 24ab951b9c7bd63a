// Large copies, on more than one core.
#pragma once

#include <cstddef>

namespace bridge {

// As memcpy. Blocks: never on a JS thread for much memory. Fresh pages cost several times what their bytes do, and the
// system makes them on every core at once.
void CopyInParallel(void* to, const void* from, size_t size);

}  // namespace bridge
