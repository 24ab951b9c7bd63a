#include "events/deliver.h"

#include <algorithm>
#include <array>
#include <string>

#include "error.h"
#include "values/value_to_js.h"

namespace bridge {

namespace {

// What JavaScript threw, or null: none is pending, or it is V8's own for a termination, which is nobody's to see.
napi_value TakePending(napi_env env) {
  bool pending = false;
  napi_value exception = nullptr;
  napi_valuetype type = napi_null;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return nullptr;
  if (napi_get_and_clear_last_exception(env, &exception) != napi_ok) return nullptr;
  if (napi_typeof(env, exception, &type) != napi_ok || type == napi_null) return nullptr;
  return exception;
}

// As Node does with an exception in a listener: `uncaughtException`.
void ReportPending(napi_env env) {
  napi_value exception = TakePending(env);
  if (exception != nullptr) napi_fatal_exception(env, exception);
}

using Arguments = std::array<napi_value, 5>;

// Without its data where that can't be converted: the event itself is not lost.
bool ArgumentsOf(napi_env env, const Event& event, napi_value data, Arguments* arguments) {
  if (data == nullptr) data = ToJs(env, {});
  *arguments = {ToJs(env, {event.channel}), ToJs(env, FromUtf8(event.kind)), data, ToJs(env, {event.timestamp}),
                ToJs(env, {static_cast<int64_t>(event.dropped)})};
  return std::ranges::find(*arguments, nullptr) == arguments->end();
}

}  // namespace

void SettleCall(napi_env env, const Settlement& settlement) {
  if (const auto* value = std::get_if<Value>(&settlement.outcome)) {
    napi_value result = ToJs(env, *value);
    if (result != nullptr) {
      napi_resolve_deferred(env, settlement.deferred, result);
      return;
    }
  }
  const auto* error = std::get_if<ErrorInfo>(&settlement.outcome);
  napi_value reason = error == nullptr ? TakePending(env) : ToJsError(env, *error);
  if (reason == nullptr) {
    reason = ToJsError(env, MakeError("ERR_WANGP_VALUE", "what Python returned is too large for JavaScript"));
  }
  // In an environment that is being terminated there is nobody to reject.
  if (reason != nullptr) napi_reject_deferred(env, settlement.deferred, reason);
}

void CallHandler(napi_env env, napi_value handler, const Event& event) {
  napi_value data = ToJs(env, event.data);
  if (data == nullptr) ReportPending(env);
  Arguments arguments{};
  bool converted = ArgumentsOf(env, event, data, &arguments);
  // What fails for want of memory may succeed after a collection; in a terminated environment nobody listens.
  if (!converted) converted = ArgumentsOf(env, event, data, &arguments);
  if (!converted) return;
  napi_value receiver = nullptr;
  napi_get_undefined(env, &receiver);
  if (napi_call_function(env, receiver, handler, arguments.size(), arguments.data(), nullptr) != napi_ok) {
    ReportPending(env);
  }
}

}  // namespace bridge
