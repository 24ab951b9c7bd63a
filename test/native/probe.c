// For tests only: what JavaScript itself can't see. No part of the package.
#define NAPI_VERSION 8
#include <dlfcn.h>
#include <node_api.h>
#include <stdint.h>

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

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "addressOf", NAPI_AUTO_LENGTH, AddressOf, NULL, &function);
  napi_set_named_property(env, exports, "addressOf", function);
  napi_create_function(env, "openGlobally", NAPI_AUTO_LENGTH, OpenGlobally, NULL, &function);
  napi_set_named_property(env, exports, "openGlobally", function);
  return exports;
}
