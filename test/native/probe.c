// For tests only: what JavaScript itself can't see. No part of the package.
#define NAPI_VERSION 8
#include <dlfcn.h>
#include <node_api.h>
#include <stdint.h>

#ifdef __linux__
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

// addressOf(arrayBuffer): where V8 says that its bytes lie.
static napi_value AddressOf(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value buffer;
  void* data = NULL;
  size_t length = 0;
  napi_value address;
  if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) != napi_ok ||
      napi_get_arraybuffer_info(env, buffer, &data, &length) != napi_ok ||
      napi_create_bigint_uint64(env, (uint64_t)(uintptr_t)data, &address) != napi_ok) {
    napi_throw_type_error(env, NULL, "addressOf takes an ArrayBuffer");
    return NULL;
  }
  return address;
}

// openGlobally(path): what another library that embeds Python does first.
static napi_value OpenGlobally(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char path[4096];
  size_t length = 0;
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok ||
      napi_get_value_string_utf8(env, argument, path, sizeof path, &length) != napi_ok ||
      dlopen(path, RTLD_NOW | RTLD_GLOBAL) == NULL) {
    napi_throw_error(env, NULL, "the library could not be opened");
  }
  return undefined;
}

#ifdef __linux__

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "refuseUnshare() knows x86-64 and aarch64"
#endif

// refuseUnshare(): from now on unshare() fails with EPERM in every thread of this process, as in a container whose
// seccomp filter refuses it. For good: a filter can't be taken away.
static napi_value RefuseUnshare(napi_env env, napi_callback_info info) {
  (void)info;
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      // Another architecture's calls have other numbers.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  // Without a capability, a filter needs the promise to gain none. It covers the threads that run already too.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) {
    napi_throw_error(env, NULL, "this system takes no seccomp filter");
  }
  return undefined;
}

#endif

// refuseThreads(count): the addon's next threads are refused, where refuse_threads.node is preloaded.
static napi_value RefuseThreads(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t threads = 0;
  void (*refuse)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "wangp_test_refuse_threads");
  if (refuse != NULL && napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok &&
      napi_get_value_int32(env, argument, &threads) == napi_ok) {
    refuse(threads);
  } else {
    napi_throw_error(env, NULL, "refuseThreads(count) needs refuse_threads.node");
  }
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "addressOf", NAPI_AUTO_LENGTH, AddressOf, NULL, &function);
  napi_set_named_property(env, exports, "addressOf", function);
  napi_create_function(env, "openGlobally", NAPI_AUTO_LENGTH, OpenGlobally, NULL, &function);
  napi_set_named_property(env, exports, "openGlobally", function);
  napi_create_function(env, "refuseThreads", NAPI_AUTO_LENGTH, RefuseThreads, NULL, &function);
  napi_set_named_property(env, exports, "refuseThreads", function);
#ifdef __linux__
  napi_create_function(env, "refuseUnshare", NAPI_AUTO_LENGTH, RefuseUnshare, NULL, &function);
  napi_set_named_property(env, exports, "refuseUnshare", function);
#endif
  return exports;
}
