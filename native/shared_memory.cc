// shared_memory.node: memory that a process and its child both map. Has no Python in it, so that the parent needs none.
// Every function here runs on a JS thread and returns at once.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "memory/copy.h"
#include "memory/memory.h"
#include "memory/segment.h"
#include "memory/tensors.h"
#include "napi_setup.h"
#include "process/parent.h"
#include "process/pin.h"
#include "process/reap.h"
#include "threads/turns.h"

namespace bridge {

namespace {

using SharedSegment = std::shared_ptr<Segment>;

// What one Node environment holds of this addon. JS thread only.
class SharedMemory {
 public:
  explicit SharedMemory(Napi::Env env) : turns_(Turns::Create(env, "wangp-node shared memory")), tensors_(env) {
    // After the thread-safe function was made: hooks run in reverse order, so that ours is first.
    napi_add_env_cleanup_hook(env, OnCleanup, this);
  }

  static SharedMemory& Of(napi_env env) { return *Napi::Env(env).GetInstanceData<SharedMemory>(); }

  [[nodiscard]] const std::shared_ptr<Turns>& turns() const { return turns_; }
  [[nodiscard]] Tensors& tensors() { return tensors_; }
  // Children that this environment has to ask after; they may outlive it.
  [[nodiscard]] std::set<int64_t>& children() { return children_; }

  void SetFreeListener(const Napi::Function& listener) { free_listener_ = Napi::Persistent(listener); }
  // What `number` stood for is nobody's any more. Any thread.
  static void TellFree(const std::shared_ptr<Turns>& turns, int64_t number) {
    turns->Post([number](napi_env env) {
      const Napi::HandleScope scope(env);
      napi_value receiver = nullptr;
      napi_value told = nullptr;
      // It throws where the environment is being terminated: nobody is to hear of it then.
      const bool ok = napi_get_undefined(env, &receiver) == napi_ok &&
                      napi_create_int64(env, number, &told) == napi_ok &&
                      napi_call_function(env, receiver, Of(env).free_listener_.Value(), 1, &told, nullptr) == napi_ok;
      if (!ok) napi_get_and_clear_last_exception(env, &told);
    });
  }

 private:
  static void OnCleanup(void* data) {
    auto* memory = static_cast<SharedMemory*>(data);
    memory->turns_->Close();
    memory->tensors_.Close();
    for (const int64_t child : memory->children_) Reap(child);
  }

  std::shared_ptr<Turns> turns_;
  Tensors tensors_;
  Napi::FunctionReference free_listener_;
  std::set<int64_t> children_;
};

// A tensor's hold on its segment.
class SegmentHold final : public Memory::Owner {
 public:
  SegmentHold(SharedSegment segment, std::shared_ptr<Turns> turns, int64_t number)
      : segment_(std::move(segment)), turns_(std::move(turns)), number_(number) {}

  void LetGo() override {
    SharedMemory::TellFree(turns_, number_);
    delete this;
  }

 private:
  SharedSegment segment_;
  std::shared_ptr<Turns> turns_;
  int64_t number_;
};

[[noreturn]] void Refuse(Napi::Env env, const std::system_error& error) {
  const Napi::Error refusal = Napi::Error::New(env, error.what());
  refusal.Set("errno", Napi::Number::New(env, error.code().value()));
  throw refusal;
}

size_t SizeOf(const Napi::Value& value) { return static_cast<size_t>(value.As<Napi::Number>().Int64Value()); }

Napi::Value HandleOf(Napi::Env env, const SharedSegment& segment) {
  return Napi::External<SharedSegment>::New(env, new SharedSegment(segment),
                                            [](Napi::Env, SharedSegment* hold) { delete hold; });
}

// The segment of a handle; throws where it was closed.
const SharedSegment& SegmentOf(const Napi::Value& handle) {
  const SharedSegment& segment = *handle.As<Napi::External<SharedSegment>>().Data();
  if (segment == nullptr) throw Napi::Error::New(handle.Env(), "the segment is closed");
  return segment;
}

// createSegment(size): { handle, name }
Napi::Value CreateSegment(const Napi::CallbackInfo& info) {
  try {
    const SharedSegment segment = Segment::Create(SizeOf(info[0]));
    const Napi::Object result = Napi::Object::New(info.Env());
    result.Set("handle", HandleOf(info.Env(), segment));
    result.Set("name", Napi::String::New(info.Env(), segment->name()));
    return result;
  } catch (const std::system_error& error) {
    Refuse(info.Env(), error);
  }
}

// openSegment(name, size): its handle
Napi::Value OpenSegment(const Napi::CallbackInfo& info) {
  try {
    return HandleOf(info.Env(), Segment::Open(info[0].As<Napi::String>().Utf8Value(), SizeOf(info[1])));
  } catch (const std::system_error& error) {
    Refuse(info.Env(), error);
  }
}

// closeSegment(handle): tensors over it keep its bytes.
void CloseSegment(const Napi::CallbackInfo& info) { *info[0].As<Napi::External<SharedSegment>>().Data() = nullptr; }

// Copies on threads of libuv's and its own.
class Filling final : public Napi::AsyncWorker {
 public:
  Filling(Napi::Env env, SharedSegment segment, const Napi::Value& source, const void* data, size_t size)
      : Napi::AsyncWorker(env), deferred_(env), segment_(std::move(segment)), data_(data), size_(size) {
    source_ = Napi::Reference<Napi::Value>::New(source, 1);
  }

  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override { CopyInParallel(segment_->data(), data_, size_); }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  SharedSegment segment_;
  const void* data_;
  size_t size_;
  Napi::Reference<Napi::Value> source_;  // keeps the bytes
};

// fillSegment(handle, Uint8Array): Promise<void>. The bytes may neither change nor go meanwhile.
Napi::Value FillSegment(const Napi::CallbackInfo& info) {
  const SharedSegment& segment = SegmentOf(info[0]);
  const auto bytes = info[1].As<Napi::Uint8Array>();
  if (bytes.ByteLength() > segment->size()) throw Napi::RangeError::New(info.Env(), "the segment is smaller");
  auto* filling = new Filling(info.Env(), segment, bytes, bytes.Data(), bytes.ByteLength());
  const Napi::Promise promise = filling->promise();
  filling->Queue();
  return promise;
}

// viewOfSegment(handle, size): an ArrayBuffer over its first bytes, which keeps them.
Napi::Value ViewOfSegment(const Napi::CallbackInfo& info) {
  auto* hold = new SharedSegment(SegmentOf(info[0]));
  return Napi::ArrayBuffer::New(
      info.Env(), (*hold)->data(), SizeOf(info[1]), [](Napi::Env, void*, SharedSegment* kept) { delete kept; }, hold);
}

Memory::Layout LayoutOf(const Napi::Object& description, void* data) {
  Memory::Layout layout;
  layout.data = data;
  layout.size = SizeOf(description.Get("size"));
  layout.dtype = description.Get("dtype").As<Napi::String>().Utf8Value();
  layout.zero_copy = false;
  layout.place = "shared";
  const auto shape = description.Get("shape").As<Napi::Array>();
  for (uint32_t axis = 0; axis < shape.Length(); ++axis) {
    layout.shape.push_back(shape.Get(axis).As<Napi::Number>().Int64Value());
  }
  return layout;
}

// Node-API's own exception is pending where `tensor` is null.
void Settle(napi_env env, const Napi::Promise::Deferred& deferred, napi_value tensor) {
  if (tensor != nullptr) {
    deferred.Resolve(tensor);
    return;
  }
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env, &exception);
  deferred.Reject(exception == nullptr ? Napi::Env(env).Undefined() : Napi::Value(env, exception));
}

// tensorOf(handle, { size, dtype, shape }, number): a promise of what the memory factory makes of the segment's first
// bytes. The free listener hears `number` once nobody has them any more. A runtime that refuses external buffers copies
// them first, on a thread; one such copy at a time.
Napi::Value TensorOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  SharedMemory& shared = SharedMemory::Of(env);
  const SharedSegment& segment = SegmentOf(info[0]);
  const int64_t number = info[2].As<Napi::Number>().Int64Value();
  const auto memory = std::make_shared<Memory>(std::make_unique<SegmentHold>(segment, shared.turns(), number),
                                               LayoutOf(info[1].As<Napi::Object>(), segment->data()));
  const Napi::Promise::Deferred deferred(env);
  const auto missing = shared.tensors().copies().Missing({memory});
  if (missing.empty()) {
    Settle(env, deferred, shared.tensors().Make(env, memory));
    return deferred.Promise();
  }
  shared.tensors().copies().Start(env, missing, [turns = shared.turns(), deferred, memory] {
    turns->Post([deferred, memory](napi_env caller) {
      const Napi::HandleScope scope(caller);
      Tensors& tensors = SharedMemory::Of(caller).tensors();
      Settle(caller, deferred, tensors.Make(caller, memory));
      tensors.copies().Forget();
    });
  });
  return deferred.Promise();
}

// setFreeListener(listener): hears the numbers of tensors whose bytes are nobody's any more.
void SetFreeListener(const Napi::CallbackInfo& info) {
  SharedMemory::Of(info.Env()).SetFreeListener(info[0].As<Napi::Function>());
}

// setMemoryFactory(factory)
void SetMemoryFactory(const Napi::CallbackInfo& info) {
  SharedMemory::Of(info.Env()).tensors().SetFactory(info[0].As<Napi::Function>());
}

// release(handle, buffer)
void Release(const Napi::CallbackInfo& info) { ViewOf(info[0]).Release(info.Env(), info[1]); }

// share(handle): a token's number, or 0
Napi::Value Share(const Napi::CallbackInfo& info) {
  const int64_t token = SharedMemory::Of(info.Env()).tensors().Share(ViewOf(info[0]));
  return Napi::Number::New(info.Env(), static_cast<double>(token));
}

// openShared(number): what the memory factory makes of it, or undefined
Napi::Value OpenShared(const Napi::CallbackInfo& info) {
  const std::shared_ptr<Memory> memory = Tensors::TakeShared(info[0].As<Napi::Number>().Int64Value());
  if (memory == nullptr) return info.Env().Undefined();
  return {info.Env(), SharedMemory::Of(info.Env()).tensors().Make(info.Env(), memory)};
}

// endAfterParent(pid): whether that is this process's parent
Napi::Value EndAfterThatParent(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), EndAfterParent(info[0].As<Napi::Number>().Int64Value()));
}

// addChild(pid)
void AddChild(const Napi::CallbackInfo& info) {
  SharedMemory::Of(info.Env()).children().insert(info[0].As<Napi::Number>().Int64Value());
}

// removeChild(pid)
void RemoveChild(const Napi::CallbackInfo& info) {
  SharedMemory::Of(info.Env()).children().erase(info[0].As<Napi::Number>().Int64Value());
}

// isAtRest(pid): whether that child has ended, or is stopped
Napi::Value IsChildAtRest(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IsAtRest(info[0].As<Napi::Number>().Int64Value()));
}

void ReportUncaught(const Napi::CallbackInfo& info) { napi_fatal_exception(info.Env(), info[0]); }

Napi::Value LiveCounts(const Napi::CallbackInfo& info) {
  const Napi::Object result = Napi::Object::New(info.Env());
  result.Set("memories", Napi::Number::New(info.Env(), static_cast<double>(Memory::LiveCount())));
  result.Set("segments", Napi::Number::New(info.Env(), static_cast<double>(Segment::LiveCount())));
  return result;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new SharedMemory(env));
  PinThisBinary();
  exports.Set("createSegment", Napi::Function::New<CreateSegment>(env, "createSegment"));
  exports.Set("openSegment", Napi::Function::New<OpenSegment>(env, "openSegment"));
  exports.Set("closeSegment", Napi::Function::New<CloseSegment>(env, "closeSegment"));
  exports.Set("fillSegment", Napi::Function::New<FillSegment>(env, "fillSegment"));
  exports.Set("viewOfSegment", Napi::Function::New<ViewOfSegment>(env, "viewOfSegment"));
  exports.Set("tensorOf", Napi::Function::New<TensorOf>(env, "tensorOf"));
  exports.Set("setFreeListener", Napi::Function::New<SetFreeListener>(env, "setFreeListener"));
  exports.Set("setMemoryFactory", Napi::Function::New<SetMemoryFactory>(env, "setMemoryFactory"));
  exports.Set("release", Napi::Function::New<Release>(env, "release"));
  exports.Set("share", Napi::Function::New<Share>(env, "share"));
  exports.Set("openShared", Napi::Function::New<OpenShared>(env, "openShared"));
  exports.Set("endAfterParent", Napi::Function::New<EndAfterThatParent>(env, "endAfterParent"));
  exports.Set("addChild", Napi::Function::New<AddChild>(env, "addChild"));
  exports.Set("removeChild", Napi::Function::New<RemoveChild>(env, "removeChild"));
  exports.Set("isAtRest", Napi::Function::New<IsChildAtRest>(env, "isAtRest"));
  exports.Set("reportUncaught", Napi::Function::New<ReportUncaught>(env, "reportUncaught"));
  exports.Set("liveCounts", Napi::Function::New<LiveCounts>(env, "liveCounts"));
  return exports;
}

NODE_API_MODULE(shared_memory, Init)

}  // namespace

}  // namespace bridge
