#include "process/pin.h"

#ifdef _WIN32

#include <windows.h>

void PinThisBinary(void) {
  HMODULE module;
  const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
  GetModuleHandleExW(flags, (LPCWSTR)(const void*)&PinThisBinary, &module);
}

#elif defined(__APPLE__)

#include <dlfcn.h>
#include <stddef.h>

void PinThisBinary(void) {
  Dl_info info;
  if (dladdr((const void*)&PinThisBinary, &info) != 0 && info.dli_fname != NULL) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  }
}

#else

void PinThisBinary(void) {}

#endif
