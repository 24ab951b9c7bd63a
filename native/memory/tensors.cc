#include "memory/tensors.h"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "environment.h"
#include "values/value_to_js.h"

namespace bridge {

namespace {

struct View {
  std::shared_ptr<Memory> memory;  // null once it was let go of
};

using ViewHandle = std::shared_ptr<View>;

// What the finalizer of an ArrayBuffer deletes.
struct Hold {
  ViewHandle view;
  bool* finalized;  // of the call that makes the ArrayBuffer, as long as that runs
};

void DeleteHold(napi_env, void*, void* hint) {
  auto* hold = static_cast<Hold*>(hint);
  if (hold->finalized != nullptr) *hold->finalized = true;
  delete hold;
}

void DeleteHandle(napi_env, void* data, void*) { delete static_cast<ViewHandle*>(data); }

// Null where the runtime refuses external buffers, or one of this size.
napi_value ExternalArrayBuffer(napi_env env, const ViewHandle& view) {
  bool finalized = false;
  auto* hold = new Hold{view, &finalized};
  napi_value buffer = nullptr;
  const Memory& memory = *view->memory;
  const napi_status status = napi_create_external_arraybuffer(env, memory.data, memory.size, DeleteHold, hold, &buffer);
  if (!finalized) hold->finalized = nullptr;
  if (status == napi_ok) return buffer;
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env, &exception);
  // Where it is too large Node calls the finalizer, where external buffers are refused it doesn't; of other failures
  // nobody says, so that a few bytes are lost rather than freed twice.
  if (!finalized && status == napi_no_external_buffers_allowed) {
    delete hold;
  } else if (!finalized) {
    hold->view = nullptr;
  }
  return nullptr;
}

napi_value HandleOf(napi_env env, const ViewHandle& view) {
  auto* hold = new ViewHandle(view);
  napi_value handle = nullptr;
  if (napi_create_external(env, hold, DeleteHandle, nullptr, &handle) == napi_ok) return handle;
  delete hold;
  return nullptr;
}

napi_value ShapeOf(napi_env env, const Memory& memory) {
  Array shape;
  for (const int64_t extent : memory.shape) shape.push_back({extent});
  return ToJs(env, {std::move(shape)});
}

// What JavaScript gets in place of a tensor, in the form of any object that it has no counterpart for.
napi_value NoRoom(napi_env env, const Memory& memory) {
  const std::string text = memory.dtype + ", " + std::to_string(memory.size) + " bytes: no memory for a copy";
  napi_value object = nullptr;
  const bool defined = napi_create_object(env, &object) == napi_ok &&
                       Define(env, object, "pythonType", ToJs(env, {std::string("memoryview")})) &&
                       Define(env, object, "repr", ToJs(env, {text}));
  return defined ? object : nullptr;
}

// Tokens that nobody has opened yet. Never destroyed; any JS thread.
struct Tokens {
  struct Token {
    std::shared_ptr<Memory> memory;
    const Tensors* origin;
  };
  std::mutex mutex;
  std::map<int64_t, Token> tokens;
  int64_t last = 0;
};

Tokens& TheTokens() {
  static auto* tokens = new Tokens;
  return *tokens;
}

}  // namespace

void Tensors::Close() {
  copies_.Wait();
  std::vector<std::shared_ptr<Memory> > released;
  Tokens& tokens = TheTokens();
  const std::scoped_lock lock(tokens.mutex);
  std::erase_if(tokens.tokens, [&](auto& token) {
    if (token.second.origin != this) return false;
    released.push_back(std::move(token.second.memory));
    return true;
  });
}

napi_value Tensors::Make(napi_env env, const std::shared_ptr<Memory>& memory) {
  const auto view = std::make_shared<View>(View{memory});
  napi_value buffer = copies_.needed() || memory->size == 0 ? nullptr : ExternalArrayBuffer(env, view);
  const bool zero_copy = memory->zero_copy && (buffer != nullptr || memory->size == 0);
  const bool too_large = buffer == nullptr && memory->size > MemoryCopies::kLargest;
  if (buffer == nullptr) {
    buffer = too_large ? ToJs(env, {}) : copies_.Take(env, *memory);
    view->memory = nullptr;
  }
  if (buffer == nullptr) return NoRoom(env, *memory);
  napi_value tensor = nullptr;
  const bool defined =
      napi_create_object(env, &tensor) == napi_ok && Define(env, tensor, "buffer", buffer) &&
      Define(env, tensor, "dtype", ToJs(env, {memory->dtype})) && Define(env, tensor, "shape", ShapeOf(env, *memory)) &&
      Define(env, tensor, "zeroCopy", ToJs(env, {zero_copy})) && Define(env, tensor, "handle", HandleOf(env, view));
  if (!defined || factory_.IsEmpty()) return defined ? tensor : nullptr;
  napi_value receiver = nullptr;
  napi_value result = nullptr;
  napi_get_undefined(env, &receiver);
  const napi_status status = napi_call_function(env, receiver, factory_.Value(), 1, &tensor, &result);
  return status == napi_ok ? result : nullptr;
}

void Tensors::SetFactory(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).tensors().factory_ = Napi::Persistent(info[0].As<Napi::Function>());
}

void Tensors::Release(const Napi::CallbackInfo& info) {
  View& view = **info[0].As<Napi::External<ViewHandle> >().Data();
  // First JavaScript's views lose the memory, then Python gets it back.
  if (info[1].IsArrayBuffer()) {
    auto buffer = info[1].As<Napi::ArrayBuffer>();
    if (!buffer.IsDetached()) buffer.Detach();
  }
  view.memory = nullptr;
}

Napi::Value Tensors::Share(const Napi::CallbackInfo& info) {
  const View& view = **info[0].As<Napi::External<ViewHandle> >().Data();
  int64_t number = 0;
  if (view.memory != nullptr) {
    Tokens& tokens = TheTokens();
    const std::scoped_lock lock(tokens.mutex);
    number = ++tokens.last;
    tokens.tokens[number] = {view.memory, &Environment::Of(info.Env()).tensors()};
  }
  return Napi::Number::New(info.Env(), static_cast<double>(number));
}

Napi::Value Tensors::OpenShared(const Napi::CallbackInfo& info) {
  const int64_t number = info[0].As<Napi::Number>().Int64Value();
  std::shared_ptr<Memory> memory;
  {
    Tokens& tokens = TheTokens();
    const std::scoped_lock lock(tokens.mutex);
    const auto found = tokens.tokens.find(number);
    if (found == tokens.tokens.end()) return info.Env().Undefined();
    memory = std::move(found->second.memory);
    tokens.tokens.erase(found);
  }
  return {info.Env(), Environment::Of(info.Env()).tensors().Make(info.Env(), memory)};
}

}  // namespace bridge
