// For tests of the sanitizers' builds only: asks for leaks, and makes calls of Node-API fail (failing_node_api.c).
#define NAPI_VERSION 8
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

typedef void (*FailFunction)(const char* name, int status, int after, int times);
typedef int (*CountFunction)(void);

static napi_value Number(napi_env env, int number) {
  napi_value result = NULL;
  napi_create_int32(env, number, &result);
  return result;
}

// The core, which was loaded without RTLD_GLOBAL.
static void* library = NULL;

// useCore(path): where the functions below are found.
static napi_value UseCore(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char path[4096];
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok &&
      napi_get_value_string_utf8(env, argument, path, sizeof path, &length) == napi_ok) {
    library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  }
  if (library == NULL) napi_throw_error(env, NULL, "the core is not loaded");
  return NULL;
}

// fail(name, status, after, times): the calls of `name` fail with `status` after `after` that succeed; 0 times: none.
static napi_value Fail(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  char name[64];
  size_t length = 0;
  int32_t numbers[3] = {0, 0, 0};
  FailFunction fail = library == NULL ? NULL : (FailFunction)dlsym(library, "wangp_test_fail");
  bool valid = fail != NULL && napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok &&
               napi_get_value_string_utf8(env, arguments[0], name, sizeof name, &length) == napi_ok;
  for (int i = 0; i < 3; ++i) valid = valid && napi_get_value_int32(env, arguments[i + 1], &numbers[i]) == napi_ok;
  if (valid) {
    fail(name, numbers[0], numbers[1], numbers[2]);
  } else {
    napi_throw_error(env, NULL, "fail(name, status, after, times) needs a core that was built to fail");
  }
  return NULL;
}

static napi_value Ask(napi_env env, const char* name) {
  CountFunction ask = library == NULL ? NULL : (CountFunction)dlsym(library, name);
  if (ask != NULL) return Number(env, ask());
  napi_throw_error(env, NULL, "this core was not built to fail");
  return NULL;
}

// failures(): how many calls have failed since the last fail().
static napi_value Failures(napi_env env, napi_callback_info info) { return Ask(env, "wangp_test_failures"); }

// largestCopyBy(): the thread that made the largest copy since the last question.
static napi_value LargestCopyBy(napi_env env, napi_callback_info info) {
  return Ask(env, "wangp_test_largest_copy_by");
}

// thread(): this one.
static napi_value Thread(napi_env env, napi_callback_info info) { return Number(env, (int)gettid()); }

// checkLeaks(): LeakSanitizer writes its report, of all that nothing points to now.
static napi_value CheckLeaks(napi_env env, napi_callback_info info) {
  CountFunction check = (CountFunction)dlsym(RTLD_DEFAULT, "__lsan_do_recoverable_leak_check");
  if (check != NULL) return Number(env, check());
  napi_throw_error(env, NULL, "LeakSanitizer is not loaded");
  return NULL;
}

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {{"useCore", UseCore},   {"fail", Fail},
                   {"failures", Failures}, {"largestCopyBy", LargestCopyBy},
                   {"thread", Thread},     {"checkLeaks", CheckLeaks}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
