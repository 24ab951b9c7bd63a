// The last step of a message: a promise settles, or JavaScript's handler hears an event. JS thread only.
//
// The way of a message uses Node-API's C functions and checks each status. While a Worker is being terminated they
// refuse, and node-addon-api would end the process over the Error that it can't make.
#pragma once

#include <node_api.h>

#include "events/outbox.h"

namespace bridge {

// Resolves or rejects the promise of a call. Rejects with ERR_WANGP_VALUE what has no form in JavaScript.
void SettleCall(napi_env env, const Settlement& settlement);

// handler(channel, kind, data, timestamp, dropped). What it throws ends in `uncaughtException`, as from any listener.
void CallHandler(napi_env env, napi_value handler, const Event& event);

}  // namespace bridge
