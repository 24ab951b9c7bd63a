#include "environment.h"

#include <algorithm>
#include <array>
#include <utility>

#include "error.h"
#include "interpreter.h"
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

void Settle(napi_env env, const Settlement& settlement) {
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

const Value& ValueIn(const Message& message) {
  static const Value* const none = new Value;
  if (const auto* event = std::get_if<Event>(&message)) return event->data;
  const auto* value = std::get_if<Value>(&std::get<Settlement>(message).outcome);
  return value == nullptr ? *none : *value;
}

using Arguments = std::array<napi_value, 5>;

// Without its data where that can't be converted: the event itself is not lost.
bool ArgumentsOf(napi_env env, const Event& event, napi_value data, Arguments* arguments) {
  if (data == nullptr) data = ToJs(env, {});
  *arguments = {ToJs(env, {event.channel}), ToJs(env, FromUtf8(event.kind)), data, ToJs(env, {event.timestamp}),
                ToJs(env, {static_cast<int64_t>(event.dropped)})};
  return std::ranges::find(*arguments, nullptr) == arguments->end();
}

void CallHandler(napi_env env, const Napi::FunctionReference& handler, const Event& event) {
  if (handler.IsEmpty()) return;
  napi_value data = ToJs(env, event.data);
  if (data == nullptr) ReportPending(env);
  Arguments arguments{};
  bool converted = ArgumentsOf(env, event, data, &arguments);
  // What fails for want of memory may succeed after a collection; in a terminated environment nobody listens.
  if (!converted) converted = ArgumentsOf(env, event, data, &arguments);
  if (!converted) return;
  napi_value receiver = nullptr;
  napi_get_undefined(env, &receiver);
  if (napi_call_function(env, receiver, handler.Value(), arguments.size(), arguments.data(), nullptr) != napi_ok) {
    ReportPending(env);
  }
}

}  // namespace

Environment::Environment(Napi::Env env) : lane_(EventLane::Create(env, Deliver)), tensors_(env) {
  // After the thread-safe function was made: hooks run in reverse order, so that ours is first.
  napi_add_env_cleanup_hook(env, OnCleanup, this);
}

Environment::~Environment() { lane_->Close(); }

void Environment::OnCleanup(void* data) {
  auto* environment = static_cast<Environment*>(data);
  const std::vector<int64_t> abandoned = environment->lane_->Channels();
  environment->lane_->Close();
  environment->tensors_.Close();
  AbandonClient(environment->lane_->id(), abandoned);
}

Environment& Environment::Of(napi_env env) { return *Napi::Env(env).GetInstanceData<Environment>(); }

void Environment::SetEventHandler(const Napi::Function& handler) { event_handler_ = Napi::Persistent(handler); }

void Environment::Deliver(napi_env env, Message message) {
  const Napi::HandleScope scope(env);
  Environment& environment = Of(env);
  const auto missing = environment.tensors_.copies().Missing(ValueIn(message));
  if (!missing.empty()) {
    environment.lane_->HoldBack(std::move(message));
    environment.tensors_.copies().Start(env, missing, [lane = environment.lane_] { lane->Resume(); });
    return;
  }
  if (const auto* settlement = std::get_if<Settlement>(&message)) {
    Settle(env, *settlement);
  } else {
    CallHandler(env, environment.event_handler_, std::get<Event>(message));
  }
  environment.tensors_.copies().Forget();
}

}  // namespace bridge
