// For tests only, linked into the developer build with -Wl,--wrap: calls of Node-API fail where a test says so, and the
// largest memcpy says which thread made it. No part of the package.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <node_api.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char failing[64];
static napi_status status;
static int skipped;  // calls that succeed before the first one fails
static int times;    // calls that fail then; below 0: all of them
static int failures;

// Any thread.
EXPORTED void wangp_test_fail(const char* name, int with, int after, int count) {
  pthread_mutex_lock(&mutex);
  strncpy(failing, name, sizeof failing - 1);
  status = (napi_status)with;
  skipped = after;
  times = count;
  failures = 0;
  pthread_mutex_unlock(&mutex);
}

// How many calls have failed since. Any thread.
EXPORTED int wangp_test_failures(void) {
  pthread_mutex_lock(&mutex);
  const int count = failures;
  pthread_mutex_unlock(&mutex);
  return count;
}

static bool Fails(const char* name, napi_status* with) {
  pthread_mutex_lock(&mutex);
  bool fails = times != 0 && strcmp(name, failing) == 0;
  if (fails && skipped > 0) {
    --skipped;
    fails = false;
  }
  if (fails) {
    *with = status;
    ++failures;
    if (times > 0) --times;
  }
  pthread_mutex_unlock(&mutex);
  return fails;
}

static size_t largest;
static pid_t largest_by;

// Any thread. The one that made the largest copy since the last question; 0 where none was larger than 64 KiB.
EXPORTED int wangp_test_largest_copy_by(void) {
  pthread_mutex_lock(&mutex);
  const pid_t thread = largest_by;
  largest = 0;
  largest_by = 0;
  pthread_mutex_unlock(&mutex);
  return thread;
}

void* __real_memcpy(void* to, const void* from, size_t size);
void* __wrap_memcpy(void* to, const void* from, size_t size) {
  if (size > (64U << 10U)) {
    pthread_mutex_lock(&mutex);
    if (size > largest) {
      largest = size;
      largest_by = gettid();
    }
    pthread_mutex_unlock(&mutex);
  }
  return __real_memcpy(to, from, size);
}

#define WRAP(name, parameters, arguments)    \
  napi_status __real_##name parameters;      \
  napi_status __wrap_##name parameters {     \
    napi_status with = napi_generic_failure; \
    if (Fails(#name, &with)) return with;    \
    return __real_##name arguments;          \
  }

// clang-format off
WRAP(napi_create_external_arraybuffer, (napi_env env, void* data, size_t size, napi_finalize finalize, void* hint, napi_value* result), (env, data, size, finalize, hint, result))
WRAP(napi_new_instance, (napi_env env, napi_value constructor, size_t count, const napi_value* arguments, napi_value* result), (env, constructor, count, arguments, result))
WRAP(napi_create_string_latin1, (napi_env env, const char* text, size_t size, napi_value* result), (env, text, size, result))
WRAP(napi_create_string_utf16, (napi_env env, const char16_t* text, size_t size, napi_value* result), (env, text, size, result))
WRAP(napi_create_object, (napi_env env, napi_value* result), (env, result))
WRAP(napi_create_array_with_length, (napi_env env, size_t length, napi_value* result), (env, length, result))
WRAP(napi_create_double, (napi_env env, double value, napi_value* result), (env, value, result))
WRAP(napi_create_bigint_words, (napi_env env, int sign, size_t count, const uint64_t* words, napi_value* result), (env, sign, count, words, result))
WRAP(napi_create_buffer_copy, (napi_env env, size_t size, const void* data, void** copy, napi_value* result), (env, size, data, copy, result))
WRAP(napi_create_external, (napi_env env, void* data, napi_finalize finalize, void* hint, napi_value* result), (env, data, finalize, hint, result))
WRAP(napi_create_error, (napi_env env, napi_value code, napi_value message, napi_value* result), (env, code, message, result))
WRAP(napi_create_promise, (napi_env env, napi_deferred* deferred, napi_value* result), (env, deferred, result))
WRAP(napi_create_reference, (napi_env env, napi_value value, uint32_t count, napi_ref* result), (env, value, count, result))
WRAP(napi_create_threadsafe_function, (napi_env env, napi_value function, napi_value resource, napi_value name, size_t size, size_t threads, void* data, napi_finalize finalize, void* context, napi_threadsafe_function_call_js call, napi_threadsafe_function* result), (env, function, resource, name, size, threads, data, finalize, context, call, result))
WRAP(napi_define_properties, (napi_env env, napi_value object, size_t count, const napi_property_descriptor* properties), (env, object, count, properties))
WRAP(napi_set_element, (napi_env env, napi_value object, uint32_t index, napi_value value), (env, object, index, value))
WRAP(napi_get_property, (napi_env env, napi_value object, napi_value key, napi_value* result), (env, object, key, result))
WRAP(napi_get_element, (napi_env env, napi_value object, uint32_t index, napi_value* result), (env, object, index, result))
WRAP(napi_get_all_property_names, (napi_env env, napi_value object, napi_key_collection_mode mode, napi_key_filter filter, napi_key_conversion conversion, napi_value* result), (env, object, mode, filter, conversion, result))
WRAP(napi_call_function, (napi_env env, napi_value receiver, napi_value function, size_t count, const napi_value* arguments, napi_value* result), (env, receiver, function, count, arguments, result))
WRAP(napi_call_threadsafe_function, (napi_threadsafe_function function, void* data, napi_threadsafe_function_call_mode mode), (function, data, mode))
WRAP(napi_resolve_deferred, (napi_env env, napi_deferred deferred, napi_value value), (env, deferred, value))
WRAP(napi_reject_deferred, (napi_env env, napi_deferred deferred, napi_value value), (env, deferred, value))
// clang-format on
