// loader.node: opens libpython for the whole process, before the core that needs its symbols is loaded.
//
// libpython is opened with RTLD_GLOBAL, because extension modules find `Py*` in the global scope, and with
// RTLD_DEEPBIND, because Node exports an OpenSSL and a zlib of its own that would otherwise answer for Python's.
// Everything here runs on a JS thread, without Python.

#define NAPI_VERSION 8
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <node_api.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/pin.h"

#ifdef _WIN32
#include <windows.h>
// clang-format off: it needs what is above
#include <psapi.h>
// clang-format on
#else
#include <dlfcn.h>
#include <pthread.h>
extern char** environ;
#endif

// Sanitizers intercept libc's functions by the order of symbols that RTLD_DEEPBIND undoes.
#if defined(RTLD_DEEPBIND) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { DEEP_BINDS = 1 };
#else
enum { DEEP_BINDS = 0 };
#endif

enum { PATH_SIZE = 4096, MESSAGE_SIZE = 8192 };

static napi_value Fail(napi_env env, const char* code, const char* message) {
  napi_throw_error(env, code, message);
  return NULL;
}

// Shared by all environments of the process (main thread and Workers).
static char library_path[PATH_SIZE];

static void SayInUse(const char* path, const char** code, char* message) {
  *code = "ERR_WANGP_PYTHON_IN_USE";
  snprintf(message, MESSAGE_SIZE,
           "another library of this process has already loaded a Python; %s cannot be loaded beside it. Use "
           "wangp-node in a process of its own, or without that library",
           path);
}

static void SayRunsAnother(const char* path, const char** code, char* message) {
  *code = "ERR_WANGP_ALREADY_INITIALIZED";
  snprintf(message, MESSAGE_SIZE, "this process runs the Python of %s and cannot load %s beside it", library_path,
           path);
}

#ifdef _WIN32

static SRWLOCK mutex = SRWLOCK_INIT;
static HMODULE library = NULL;

enum { MAX_MODULES = 4096 };

// Windows has no scope of all symbols: every loaded module is asked for its own.
static bool HasPython(void) {
  static HMODULE modules[MAX_MODULES];
  DWORD size = 0;
  if (!K32EnumProcessModules(GetCurrentProcess(), modules, sizeof modules, &size)) return false;
  const DWORD count = size / sizeof *modules;
  for (DWORD index = 0; index < count && index < MAX_MODULES; ++index) {
    if (GetProcAddress(modules[index], "Py_IsInitialized") != NULL) return true;
  }
  return false;
}

static bool OpenLibrary(const char* path, bool deep_bind, const char** code, char* message) {
  (void)deep_bind;
  wchar_t wide[PATH_SIZE];
  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, PATH_SIZE);
  AcquireSRWLockExclusive(&mutex);
  bool opened = false;
  if (library != NULL) {
    opened = _stricmp(path, library_path) == 0;
    if (!opened) SayRunsAnother(path, code, message);
  } else if (HasPython()) {
    SayInUse(path, code, message);
  } else {
    // What the library needs is looked for in its own folder first.
    library = LoadLibraryExW(wide, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    opened = library != NULL;
    if (opened) {
      snprintf(library_path, PATH_SIZE, "%s", path);
    } else {
      *code = "ERR_WANGP_ADDON_LOAD";
      snprintf(message, MESSAGE_SIZE, "%s could not be loaded (Windows error %lu)", path, GetLastError());
    }
  }
  ReleaseSRWLockExclusive(&mutex);
  return opened;
}

#else

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void* library = NULL;

// The node executable carries its own copy of `environ` (a copy relocation), so a deep-bound libpython sees libc's,
// which nobody has set: `os.environ` would be empty. It gets a copy of the environment, which lives as long as the
// process, and not the array itself: while Python starts on its own thread, JavaScript may set a variable, and libc
// then moves the array and frees the old one.
static void RepairEnviron(void* handle) {
  char*** their_environ = (char***)dlsym(handle, "environ");
  if (their_environ == NULL || *their_environ != NULL || environ == NULL) return;
  size_t count = 0;
  while (environ[count] != NULL) ++count;
  char** copy = (char**)calloc(count + 1, sizeof *copy);
  if (copy == NULL) return;
  for (size_t index = 0; index < count; ++index) copy[index] = strdup(environ[index]);
  *their_environ = copy;
}

static bool OpenLibrary(const char* path, bool deep_bind, const char** code, char* message) {
  pthread_mutex_lock(&mutex);
  bool opened = false;
  if (library != NULL) {
    opened = strcmp(path, library_path) == 0;
    if (!opened) SayRunsAnother(path, code, message);
  } else if (dlsym(RTLD_DEFAULT, "Py_IsInitialized") != NULL) {
    SayInUse(path, code, message);
  } else {
    int flags = RTLD_NOW | RTLD_GLOBAL;
#ifdef RTLD_DEEPBIND
    if (deep_bind) flags |= RTLD_DEEPBIND;
#endif
    (void)deep_bind;
    library = dlopen(path, flags);
    opened = library != NULL;
    if (opened) {
      snprintf(library_path, PATH_SIZE, "%s", path);
      RepairEnviron(library);
    } else {
      *code = "ERR_WANGP_ADDON_LOAD";
      snprintf(message, MESSAGE_SIZE, "%s could not be loaded: %s", path, dlerror());
    }
  }
  pthread_mutex_unlock(&mutex);
  return opened;
}

#endif

// openPython(libraryPath, { deepBind })
static napi_value OpenPython(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2) {
    return Fail(env, "ERR_WANGP_ARGUMENT", "openPython(libraryPath, { deepBind }) needs both arguments");
  }
  char path[PATH_SIZE];
  size_t length = 0;
  napi_value property;
  bool deep_bind = false;
  if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok ||
      napi_get_named_property(env, arguments[1], "deepBind", &property) != napi_ok ||
      napi_get_value_bool(env, property, &deep_bind) != napi_ok) {
    return Fail(env, "ERR_WANGP_ARGUMENT", "openPython(libraryPath, { deepBind }) needs a string and a boolean");
  }
  const char* code = NULL;
  char message[MESSAGE_SIZE];
  if (!OpenLibrary(path, deep_bind, &code, message)) return Fail(env, code, message);
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  return undefined;
}

NAPI_MODULE_INIT() {
  PinThisBinary();
  napi_value function;
  if (napi_create_function(env, "openPython", NAPI_AUTO_LENGTH, OpenPython, NULL, &function) == napi_ok) {
    napi_set_named_property(env, exports, "openPython", function);
  }
  napi_value deep_binds;
  if (napi_get_boolean(env, DEEP_BINDS, &deep_binds) == napi_ok) {
    napi_set_named_property(env, exports, "deepBinds", deep_binds);
  }
  return exports;
}
