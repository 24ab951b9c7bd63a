// Python's memory as one Node environment sees it: tensors, and tokens that carry one to another environment.
//
// Lifetime: a tensor's View is shared by the finalizer of its ArrayBuffer and by the handle that dispose() takes; it
// lets go of the memory at dispose(), or when the ArrayBuffer was collected. A token has its own hold on the memory,
// until it is opened, or until the environment that made it ends. JS thread only, except where a function says so.
#pragma once

#include <memory>

#include "memory/copies.h"
#include "napi_setup.h"
#include "memory/memory.h"

namespace bridge {

class Tensors {
 public:
  explicit Tensors(napi_env env) : copies_(env) {}
  // At the end of the environment: its tokens that nobody opened are void.
  void Close();
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;
  ~Tensors() = default;

  [[nodiscard]] MemoryCopies& copies() { return copies_; }

  // An ArrayBuffer over `memory`, wrapped by the factory: external, or a copy where the runtime refuses that, and then
  // the object says so. Its buffer is null where it is too large for one of this runtime. Where there is no room for
  // the copy, an object that tells it instead. Null where Node-API refuses, as in value_to_js.h.
  napi_value Make(napi_env env, const std::shared_ptr<Memory>& memory);

  // setMemoryFactory(factory)
  static void SetFactory(const Napi::CallbackInfo& info);
  // release(handle, buffer): detaches `buffer` and lets go of the memory. Idempotent.
  static void Release(const Napi::CallbackInfo& info);
  // share(handle): a token's number; 0 where there is no memory of Python's to share (disposed, or a copy).
  static Napi::Value Share(const Napi::CallbackInfo& info);
  // openShared(number): the tensor, in any environment of the process, once; undefined for a token that is void.
  static Napi::Value OpenShared(const Napi::CallbackInfo& info);

 private:
  MemoryCopies copies_;
  Napi::FunctionReference factory_;
};

}  // namespace bridge
