// Node-API as this project uses it: version 8 (Node 20 and newer), C++ exceptions on.
#pragma once

#define NAPI_VERSION 8
#ifndef NAPI_CPP_EXCEPTIONS
#define NAPI_CPP_EXCEPTIONS
#endif

#include <napi.h>
