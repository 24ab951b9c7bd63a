// Python's memory as one Node environment sees it: tensors, and tokens that carry one to another environment.
//
// Lifetime: a tensor's View is shared by the tensor's handle and by the finalizer of its ArrayBuffer. Its states say
// who lets go of the memory. A token has its own hold on the memory, until it is opened, or until the environment that
// made it ends. JS thread only, except where a function says so.
//
// The end of an environment: Node then calls the finalizers of its ArrayBuffers, though JavaScript may have moved the
// bytes of one into another ArrayBuffer, and that one to a thread that lives on. Nobody would say when that thread lets
// go of them, so such memory stays for good. What was moved has to be found before Node detaches the ArrayBuffers, and
// cleanup hooks come too late on newer Nodes. A sentinel does it: an ArrayBuffer that is held on to, made anew after
// each tensor's, so that its finalizer runs at the end only, and before theirs.
#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include "memory/copies.h"
#include "memory/memory.h"
#include "napi_setup.h"

namespace bridge {

class Tensors;

// What a tensor has of its memory.
class View {
 public:
  // Opens a new view: an external ArrayBuffer over `memory`. Null where the runtime refuses external buffers, or one of
  // this size; the view stays closed then.
  static napi_value Open(napi_env env, const std::shared_ptr<View>& view, std::shared_ptr<Memory> memory);
  // An external value that holds `view`: what JavaScript calls the tensor's handle. Null where Node-API refuses.
  static napi_value HandleOf(napi_env env, const std::shared_ptr<View>& view);

  // dispose(): detaches `buffer` and lets go of the memory. Where JavaScript has moved the bytes into another
  // ArrayBuffer (`transfer()`), that one still looks at the memory, and its finalizer lets go of it. Idempotent.
  void Release(napi_env env, napi_value buffer);

  // The memory, for a token; null unless the view is open.
  [[nodiscard]] std::shared_ptr<Memory> Share() const { return state_ == State::kOpen ? memory_ : nullptr; }

 private:
  enum class State {
    kClosed,    // nothing is held: not opened, or disposed
    kOpen,      // an ArrayBuffer looks at the memory; dispose() or its finalizer ends that, whichever comes first
    kMoved,     // disposed, while another ArrayBuffer looks at the memory: its finalizer ends that
    kFinished,  // no ArrayBuffer is left
  };

  friend class Tensors;

  static void OnFinalize(napi_env env, void* data, void* hint);
  void LetGo(State state);
  // Whether another ArrayBuffer than the tensor's looks at the memory, or may.
  [[nodiscard]] bool IsMovedAway(napi_env env) const;

  std::shared_ptr<Memory> memory_;
  State state_ = State::kClosed;
  napi_ref buffer_ = nullptr;   // weak
  Tensors* tensors_ = nullptr;  // which watches the view as long as an ArrayBuffer may look at the memory
};

class Tensors {
 public:
  explicit Tensors(napi_env env) : copies_(env) {}
  // At the end of the environment: its tokens that nobody opened are void.
  void Close();
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;
  // Deno calls the finalizers of ArrayBuffers after this, when there is no environment to ask any more. It calls each
  // once the last ArrayBuffer over those bytes is gone, so that nothing has to be found for it.
  ~Tensors();

  [[nodiscard]] MemoryCopies& copies() { return copies_; }

  void SetFactory(const Napi::Function& factory) { factory_ = Napi::Persistent(factory); }

  // An ArrayBuffer over `memory`, wrapped by the factory: external, or a copy where the runtime refuses that, and then
  // the object says so. Its buffer is null where it is too large for one of this runtime. Where there is no room for
  // the copy, an object that tells it instead. Null where Node-API refuses, as in value_to_js.h.
  napi_value Make(napi_env env, const std::shared_ptr<Memory>& memory);

  // A token's number; 0 where `view` has no memory of Python's to share (disposed, or a copy).
  int64_t Share(const View& view);
  // The memory of a token, in any environment of the process, once; null for a token that is void.
  static std::shared_ptr<Memory> TakeShared(int64_t token);

 private:
  friend class View;
  struct Sentinel;

  static void OnSentinelFinalized(napi_env env, void* data, void* hint);
  void Watch(napi_env env, const std::shared_ptr<View>& view, napi_value buffer);
  void PutSentinelFirst(napi_env env);
  // Before Node detaches this environment's ArrayBuffers.
  void KeepWhatIsMovedAway(napi_env env);

  MemoryCopies copies_;
  Napi::FunctionReference factory_;
  std::set<View*> watched_;
  Sentinel* sentinel_ = nullptr;  // its finalizer's
};

// The view of a tensor's handle.
View& ViewOf(const Napi::Value& handle);

}  // namespace bridge
