// A binary of this package stays mapped for good: a Worker that ends would otherwise unload it under live threads.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Pins the binary that this is linked into. Any thread, when the binary is loaded. On Linux the linker has done it
// (`-z nodelete`).
void PinThisBinary(void);

#ifdef __cplusplus
}
#endif
