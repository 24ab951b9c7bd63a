#include "environment.h"

#include <cstring>
#include <iterator>
#include <utility>

#include "error.h"
#include "interpreter.h"
#include "value_to_js.h"

namespace bridge {

namespace {

using OwnerHandle = Napi::External<std::shared_ptr<Owner>>;

void DeleteOwner(napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Owner>*>(hint); }

// Null where the runtime refuses external buffers.
napi_value ExternalArrayBuffer(napi_env env, const Memory& memory) {
  auto* owner = new std::shared_ptr<Owner>(memory.owner);
  napi_value buffer = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, memory.data, memory.size, DeleteOwner, owner, &buffer);
  if (status == napi_ok) return buffer;
  delete owner;
  return nullptr;
}

void DeleteOwnerHandle(napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Owner>*>(data); }

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

}  // namespace

Environment::Environment(Napi::Env env) : lane_(EventLane::Create(env, Deliver)) {
  // After the thread-safe function was made: hooks run in reverse order, so that ours is first.
  napi_add_env_cleanup_hook(env, OnCleanup, this);
}

Environment::~Environment() { lane_->Close(); }

void Environment::OnCleanup(void* data) {
  auto* environment = static_cast<Environment*>(data);
  const std::vector<int64_t> abandoned = environment->lane_->Channels();
  environment->lane_->Close();
  if (!abandoned.empty()) AbandonChannels(abandoned);
}

Environment& Environment::Of(napi_env env) { return *Napi::Env(env).GetInstanceData<Environment>(); }

void Environment::SetEventHandler(const Napi::Function& handler) { event_handler_ = Napi::Persistent(handler); }

void Environment::SetMemoryFactory(const Napi::Function& factory) { memory_factory_ = Napi::Persistent(factory); }

void Environment::Deliver(napi_env env, Message message) {
  const Napi::HandleScope scope(env);
  if (const auto* settlement = std::get_if<Settlement>(&message)) {
    Settle(env, *settlement);
    return;
  }
  const Event& event = std::get<Event>(message);
  const Environment& environment = Of(env);
  if (environment.event_handler_.IsEmpty()) return;
  napi_value data = ToJs(env, event.data);
  if (data == nullptr) {
    ReportPending(env);
    data = ToJs(env, {});
  }
  napi_value arguments[] = {ToJs(env, {event.channel}), ToJs(env, FromUtf8(event.kind)), data,
                            ToJs(env, {event.timestamp}), ToJs(env, {static_cast<int64_t>(event.dropped)})};
  napi_value receiver = nullptr;
  napi_get_undefined(env, &receiver);
  napi_value handler = environment.event_handler_.Value();
  if (napi_call_function(env, receiver, handler, std::size(arguments), arguments, nullptr) != napi_ok) {
    ReportPending(env);
  }
}

napi_value Environment::MakeTensor(napi_env env, const std::shared_ptr<Memory>& memory) {
  napi_value buffer = memory->size == 0 ? nullptr : ExternalArrayBuffer(env, *memory);
  const bool shared = buffer != nullptr;
  if (!shared) {
    void* data = nullptr;
    if (napi_create_arraybuffer(env, memory->size, &data, &buffer) != napi_ok) return nullptr;
    if (memory->size > 0) std::memcpy(data, memory->data, memory->size);
    memory->owner->Release();
  }
  napi_value handle = nullptr;
  auto* owner = new std::shared_ptr<Owner>(memory->owner);
  if (napi_create_external(env, owner, DeleteOwnerHandle, nullptr, &handle) != napi_ok) {
    delete owner;
    return nullptr;
  }
  Array shape;
  for (const int64_t extent : memory->shape) shape.push_back({extent});
  napi_value tensor = nullptr;
  const bool zero_copy = memory->zero_copy && (shared || memory->size == 0);
  const bool defined = napi_create_object(env, &tensor) == napi_ok && Define(env, tensor, "buffer", buffer) &&
                       Define(env, tensor, "dtype", ToJs(env, {memory->dtype})) &&
                       Define(env, tensor, "shape", ToJs(env, {std::move(shape)})) &&
                       Define(env, tensor, "zeroCopy", ToJs(env, {zero_copy})) && Define(env, tensor, "handle", handle);
  if (!defined || memory_factory_.IsEmpty()) return defined ? tensor : nullptr;
  napi_value receiver = nullptr;
  napi_value result = nullptr;
  napi_get_undefined(env, &receiver);
  const napi_status status = napi_call_function(env, receiver, memory_factory_.Value(), 1, &tensor, &result);
  return status == napi_ok ? result : nullptr;
}

void Environment::ReleaseTensor(const Napi::CallbackInfo& info) {
  const auto owner = info[0].As<OwnerHandle>();
  auto buffer = info[1].As<Napi::ArrayBuffer>();
  // First the views lose their memory, then Python gets it back.
  if (!buffer.IsDetached()) buffer.Detach();
  (*owner.Data())->Release();
}

}  // namespace bridge
