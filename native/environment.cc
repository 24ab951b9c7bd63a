#include "environment.h"

#include <cstring>
#include <utility>

#include "error.h"
#include "interpreter.h"
#include "py_to_js.h"

namespace bridge {

namespace {

using OwnerHandle = Napi::External<std::shared_ptr<Owner>>;

void DeleteOwner(napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Owner>*>(hint); }

// Null where the runtime refuses external buffers.
napi_value ExternalArrayBuffer(Napi::Env env, const Memory& memory) {
  auto* owner = new std::shared_ptr<Owner>(memory.owner);
  napi_value buffer = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, memory.data, memory.size, DeleteOwner, owner, &buffer);
  if (status == napi_ok) return buffer;
  delete owner;
  return nullptr;
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

Environment& Environment::Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

void Environment::SetEventHandler(const Napi::Function& handler) { event_handler_ = Napi::Persistent(handler); }

void Environment::SetMemoryFactory(const Napi::Function& factory) { memory_factory_ = Napi::Persistent(factory); }

void Environment::Deliver(Napi::Env env, Message message) {
  const Napi::HandleScope scope(env);
  try {
    if (auto* settlement = std::get_if<Settlement>(&message)) {
      if (const auto* error = std::get_if<ErrorInfo>(&settlement->outcome)) {
        napi_reject_deferred(env, settlement->deferred, ToJsError(env, *error));
        return;
      }
      try {
        napi_resolve_deferred(env, settlement->deferred, ToJs(env, std::get<Value>(settlement->outcome)));
      } catch (const Napi::Error& error) {
        napi_reject_deferred(env, settlement->deferred, error.Value());
      }
      return;
    }
    const Event& event = std::get<Event>(message);
    const Environment& environment = Of(env);
    if (environment.event_handler_.IsEmpty()) return;
    environment.event_handler_.Call({Napi::Number::New(env, static_cast<double>(event.channel)),
                                     Napi::String::New(env, event.kind), ToJs(env, event.data),
                                     Napi::Number::New(env, event.timestamp), Napi::Number::New(env, event.dropped)});
  } catch (const Napi::Error& error) {
    // As Node does with an exception in a listener: `uncaughtException`.
    napi_fatal_exception(env, error.Value());
  }
}

Napi::Value Environment::MakeTensor(Napi::Env env, const std::shared_ptr<Memory>& memory) {
  napi_value buffer = memory->size == 0 ? nullptr : ExternalArrayBuffer(env, *memory);
  const bool shared = buffer != nullptr;
  if (!shared) {
    void* data = nullptr;
    NAPI_THROW_IF_FAILED(env, napi_create_arraybuffer(env, memory->size, &data, &buffer), Napi::Value());
    if (memory->size > 0) std::memcpy(data, memory->data, memory->size);
    memory->owner->Release();
  }
  const Napi::Object tensor = Napi::Object::New(env);
  const Napi::Array shape = Napi::Array::New(env, memory->shape.size());
  for (size_t axis = 0; axis < memory->shape.size(); ++axis) {
    shape.Set(static_cast<uint32_t>(axis), Napi::Number::New(env, static_cast<double>(memory->shape[axis])));
  }
  tensor.Set("buffer", Napi::Value(env, buffer));
  tensor.Set("dtype", Napi::String::New(env, memory->dtype));
  tensor.Set("shape", shape);
  tensor.Set("zeroCopy", Napi::Boolean::New(env, memory->zero_copy && (shared || memory->size == 0)));
  tensor.Set("handle", OwnerHandle::New(env, new std::shared_ptr<Owner>(memory->owner),
                                        [](Napi::Env, std::shared_ptr<Owner>* owner) { delete owner; }));
  return memory_factory_.IsEmpty() ? tensor.As<Napi::Value>() : memory_factory_.Call({tensor});
}

void Environment::ReleaseTensor(const Napi::CallbackInfo& info) {
  const auto owner = info[0].As<OwnerHandle>();
  auto buffer = info[1].As<Napi::ArrayBuffer>();
  // First the views lose their memory, then Python gets it back.
  if (!buffer.IsDetached()) buffer.Detach();
  (*owner.Data())->Release();
}

}  // namespace bridge
