// Node-API as this project uses it: version 8 (Node 20 and newer), C++ exceptions on. All of them become JavaScript's:
// by default node-addon-api lets std::exception through, and `bad_alloc` would end the process.
#pragma once

#define NAPI_VERSION 8
#ifndef NODE_ADDON_API_CPP_EXCEPTIONS_ALL
#define NODE_ADDON_API_CPP_EXCEPTIONS_ALL
#endif

// In an environment that is being terminated node-addon-api would end the process over an Error it can't throw.
#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#endif

#include <napi.h>
