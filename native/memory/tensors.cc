#include "memory/tensors.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "values/value_to_js.h"

namespace bridge {

namespace {

using SharedView = std::shared_ptr<View>;

void DeleteHandle(napi_env, void* data, void*) { delete static_cast<SharedView*>(data); }

napi_value ShapeOf(napi_env env, const Memory& memory) {
  Array shape;
  for (const int64_t extent : memory.shape()) shape.push_back({extent});
  return ToJs(env, {std::move(shape)});
}

// What JavaScript gets in place of a tensor, in the form of any object that it has no counterpart for.
napi_value NoRoom(napi_env env, const Memory& memory) {
  const std::string text = memory.dtype() + ", " + std::to_string(memory.size()) + " bytes: no memory for a copy";
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

void View::LetGo(State state) {
  state_ = state;
  memory_ = nullptr;
}

void View::OnFinalize(napi_env env, void*, void* hint) {
  const std::unique_ptr<SharedView> hold(static_cast<SharedView*>(hint));
  View& view = **hold;
  view.LetGo(State::kFinished);
  if (view.tensors_ == nullptr) return;
  view.tensors_->watched_.erase(&view);
  napi_delete_reference(env, view.buffer_);
}

bool View::IsMovedAway(napi_env env) const {
  napi_value buffer = nullptr;
  bool is_detached = true;
  const bool is_here = napi_get_reference_value(env, buffer_, &buffer) == napi_ok && buffer != nullptr &&
                       napi_is_detached_arraybuffer(env, buffer, &is_detached) == napi_ok && !is_detached;
  return !is_here;
}

napi_value View::Open(napi_env env, const SharedView& view, std::shared_ptr<Memory> memory) {
  auto* hint = new SharedView(view);
  napi_value buffer = nullptr;
  view->memory_ = std::move(memory);
  view->state_ = State::kOpen;
  const napi_status status =
      napi_create_external_arraybuffer(env, view->memory_->data(), view->memory_->size(), OnFinalize, hint, &buffer);
  if (status == napi_ok) return buffer;
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env, &exception);
  // Where it is too large Node calls the finalizer, where external buffers are refused it doesn't; of other failures
  // nobody says, so that a few bytes are lost rather than freed twice.
  const bool is_finished = view->state_ == State::kFinished;
  if (!is_finished && status == napi_no_external_buffers_allowed) delete hint;
  view->LetGo(State::kClosed);
  return nullptr;
}

napi_value View::HandleOf(napi_env env, const SharedView& view) {
  auto* data = new SharedView(view);
  napi_value handle = nullptr;
  if (napi_create_external(env, data, DeleteHandle, nullptr, &handle) == napi_ok) return handle;
  delete data;
  return nullptr;
}

void View::Release(napi_env env, napi_value buffer) {
  if (state_ != State::kOpen) return;
  bool is_detached = true;
  if (napi_is_detached_arraybuffer(env, buffer, &is_detached) != napi_ok || is_detached ||
      napi_detach_arraybuffer(env, buffer) != napi_ok) {
    state_ = State::kMoved;
    return;
  }
  LetGo(State::kClosed);
}

View& ViewOf(const Napi::Value& handle) { return **handle.As<Napi::External<SharedView>>().Data(); }

struct Tensors::Sentinel {
  Tensors* tensors;  // null once another one has taken its place
  napi_ref buffer;   // strong
};

void Tensors::OnSentinelFinalized(napi_env env, void*, void* hint) {
  const std::unique_ptr<Sentinel> sentinel(static_cast<Sentinel*>(hint));
  if (sentinel->tensors == nullptr) return;
  // It is held on to: so the environment ends.
  sentinel->tensors->sentinel_ = nullptr;
  sentinel->tensors->KeepWhatIsMovedAway(env);
  napi_delete_reference(env, sentinel->buffer);
}

void Tensors::Watch(napi_env env, const SharedView& view, napi_value buffer) {
  if (napi_create_reference(env, buffer, 0, &view->buffer_) != napi_ok) return;
  view->tensors_ = this;
  watched_.insert(view.get());
  PutSentinelFirst(env);
}

void Tensors::PutSentinelFirst(napi_env env) {
  static uint8_t byte = 0;
  auto fresh = std::make_unique<Sentinel>(Sentinel{this, nullptr});
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, &byte, sizeof byte, OnSentinelFinalized, fresh.get(), &buffer) != napi_ok) {
    return;  // the one before may come too late, and is better than none
  }
  Sentinel* made = fresh.release();
  if (napi_create_reference(env, buffer, 1, &made->buffer) != napi_ok) {
    made->tensors = nullptr;
    return;
  }
  Sentinel* former = std::exchange(sentinel_, made);
  if (former == nullptr) return;
  former->tensors = nullptr;
  napi_delete_reference(env, former->buffer);
}

void Tensors::KeepWhatIsMovedAway(napi_env env) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  for (View* view : watched_) {
    if (view->memory_ != nullptr && view->IsMovedAway(env)) new std::shared_ptr<Memory>(std::move(view->memory_));
  }
  napi_close_handle_scope(env, scope);
}

Tensors::~Tensors() {
  for (View* view : watched_) view->tensors_ = nullptr;
  if (sentinel_ != nullptr) sentinel_->tensors = nullptr;
}

void Tensors::Close() {
  copies_.Wait();
  std::vector<std::shared_ptr<Memory>> released;
  Tokens& tokens = TheTokens();
  const std::scoped_lock lock(tokens.mutex);
  std::erase_if(tokens.tokens, [&](auto& token) {
    if (token.second.origin != this) return false;
    released.push_back(std::move(token.second.memory));
    return true;
  });
}

napi_value Tensors::Make(napi_env env, const std::shared_ptr<Memory>& memory) {
  const auto view = std::make_shared<View>();
  napi_value buffer = copies_.needed() || memory->size() == 0 ? nullptr : View::Open(env, view, memory);
  const bool zero_copy = memory->zero_copy() && (buffer != nullptr || memory->size() == 0);
  const char* place = zero_copy || buffer != nullptr ? memory->place() : "own";
  const bool too_large = buffer == nullptr && memory->size() > MemoryCopies::kLargest;
  if (buffer != nullptr) Watch(env, view, buffer);
  if (buffer == nullptr) buffer = too_large ? ToJs(env, {}) : copies_.Take(env, *memory);
  if (buffer == nullptr && memory->size() > MemoryCopies::kLargestOfChromium) buffer = ToJs(env, {});
  if (buffer == nullptr) return NoRoom(env, *memory);
  napi_value tensor = nullptr;
  const bool defined = napi_create_object(env, &tensor) == napi_ok && Define(env, tensor, "buffer", buffer) &&
                       Define(env, tensor, "dtype", ToJs(env, {memory->dtype()})) &&
                       Define(env, tensor, "shape", ShapeOf(env, *memory)) &&
                       Define(env, tensor, "zeroCopy", ToJs(env, {zero_copy})) &&
                       Define(env, tensor, "place", ToJs(env, FromUtf8(place))) &&
                       Define(env, tensor, "handle", View::HandleOf(env, view));
  if (!defined || factory_.IsEmpty()) return defined ? tensor : nullptr;
  napi_value receiver = nullptr;
  napi_value result = nullptr;
  napi_get_undefined(env, &receiver);
  const napi_status status = napi_call_function(env, receiver, factory_.Value(), 1, &tensor, &result);
  return status == napi_ok ? result : nullptr;
}

int64_t Tensors::Share(const View& view) {
  std::shared_ptr<Memory> memory = view.Share();
  if (memory == nullptr) return 0;
  Tokens& tokens = TheTokens();
  const std::scoped_lock lock(tokens.mutex);
  const int64_t token = ++tokens.last;
  tokens.tokens[token] = {std::move(memory), this};
  return token;
}

std::shared_ptr<Memory> Tensors::TakeShared(int64_t token) {
  Tokens& tokens = TheTokens();
  const std::scoped_lock lock(tokens.mutex);
  const auto found = tokens.tokens.find(token);
  if (found == tokens.tokens.end()) return nullptr;
  std::shared_ptr<Memory> memory = std::move(found->second.memory);
  tokens.tokens.erase(found);
  return memory;
}

}  // namespace bridge
