// For tests only, preloaded into a process: the system refuses the addon's next threads, as a full cgroup does. No part
// of the package.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static atomic_int refusing;

// How many are refused from now on. Any thread.
__attribute__((visibility("default"))) void wangp_test_refuse_threads(int count) { refusing = count; }

static int IsOurs(const void* caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && info.dli_fname != NULL && strstr(info.dli_fname, "/core.cp") != NULL;
}

__attribute__((visibility("default"))) int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                                          void* (*start)(void*), void* argument) {
  static int (*real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "pthread_create");
  if (refusing > 0 && IsOurs(__builtin_return_address(0))) {
    --refusing;
    return EAGAIN;
  }
  return real(thread, attributes, start, argument);
}
