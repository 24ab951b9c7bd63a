// Node-API as this project uses it: version 8 (Node 20 and newer), C++ exceptions on.
#pragma once

#define NAPI_VERSION 8
#ifndef NAPI_CPP_EXCEPTIONS
#define NAPI_CPP_EXCEPTIONS
#endif

// In an environment that is being terminated node-addon-api would end the process over an Error it can't throw.
#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#endif

#include <napi.h>
