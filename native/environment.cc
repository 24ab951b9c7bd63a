#include "environment.h"

#include <utility>
#include <vector>

#include "events/deliver.h"
#include "interpreter.h"

namespace bridge {

namespace {

const Value& ValueIn(const Message& message) {
  static const Value* const none = new Value;
  if (const auto* event = std::get_if<Event>(&message)) return event->data;
  const auto* value = std::get_if<Value>(&std::get<Settlement>(message).outcome);
  return value == nullptr ? *none : *value;
}

}  // namespace

Environment::Environment(Napi::Env env) : outbox_(Outbox::Create(env, Deliver)), tensors_(env) {
  // After the thread-safe function was made: hooks run in reverse order, so that ours is first.
  napi_add_env_cleanup_hook(env, OnCleanup, this);
}

Environment::~Environment() { outbox_->Close(); }

void Environment::OnCleanup(void* data) {
  auto* environment = static_cast<Environment*>(data);
  const std::vector<int64_t> abandoned = environment->outbox_->Channels();
  environment->outbox_->Close();
  environment->tensors_.Close();
  AbandonClient(environment->outbox_->id(), abandoned);
}

Environment& Environment::Of(napi_env env) { return *Napi::Env(env).GetInstanceData<Environment>(); }

void Environment::SetEventHandler(const Napi::Function& handler) { event_handler_ = Napi::Persistent(handler); }

void Environment::Deliver(napi_env env, Message message) {
  const Napi::HandleScope scope(env);
  Environment& environment = Of(env);
  const auto missing = environment.tensors_.copies().Missing(ValueIn(message));
  if (!missing.empty()) {
    environment.outbox_->HoldBack(std::move(message));
    environment.tensors_.copies().Start(env, missing, [outbox = environment.outbox_] { outbox->Resume(); });
    return;
  }
  if (const auto* settlement = std::get_if<Settlement>(&message)) {
    SettleCall(env, *settlement);
  } else if (!environment.event_handler_.IsEmpty()) {
    CallHandler(env, environment.event_handler_.Value(), std::get<Event>(message));
  }
  environment.tensors_.copies().Forget();
}

}  // namespace bridge
