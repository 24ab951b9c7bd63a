#include "memory/copies.h"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <utility>

#include "threads/thread.h"

namespace bridge {

namespace {

// By the constructor, which throws where V8 has no room; Node-API's own function would end the process.
napi_value NewArrayBuffer(napi_env env, size_t size, void** data) {
  napi_value global = nullptr;
  napi_value constructor = nullptr;
  napi_value length = nullptr;
  napi_value buffer = nullptr;
  if (napi_get_global(env, &global) == napi_ok &&
      napi_get_named_property(env, global, "ArrayBuffer", &constructor) == napi_ok &&
      napi_create_double(env, static_cast<double>(size), &length) == napi_ok &&
      napi_new_instance(env, constructor, 1, &length, &buffer) == napi_ok &&
      napi_get_arraybuffer_info(env, buffer, data, nullptr) == napi_ok) {
    return buffer;
  }
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env, &exception);
  return nullptr;
}

bool RefusesExternalBuffers(napi_env env) {
  static uint8_t byte = 0;
  const Napi::HandleScope scope(env);
  napi_value buffer = nullptr;
  const auto keep = [](napi_env, void*, void*) {};
  return napi_create_external_arraybuffer(env, &byte, sizeof byte, keep, nullptr, &buffer) != napi_ok;
}

}  // namespace

struct MemoryCopies::Work {
  struct Copy {
    void* destination;
    std::shared_ptr<Memory> source;
  };
  std::vector<Copy> copies;
  std::function<void()> done;
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;

  void Run() {
    for (Copy& copy : copies) {
      std::memcpy(copy.destination, copy.source->data(), copy.source->size());
      copy.source = nullptr;
    }
    done();
    const std::scoped_lock lock(mutex);
    has_ended = true;
    ended.notify_all();
  }
};

MemoryCopies::MemoryCopies(napi_env env) : needed_(RefusesExternalBuffers(env)) {}

std::vector<std::shared_ptr<Memory> > MemoryCopies::Missing(const Value& value) const {
  std::vector<std::shared_ptr<Memory> > memory;
  if (!needed_) return memory;
  CollectMemory(value, &memory);
  std::erase_if(memory, [this](const auto& each) {
    return each->size() < kSmallest || each->size() > kLargest || copies_.contains(each.get());
  });
  return memory;
}

void MemoryCopies::Start(napi_env env, const std::vector<std::shared_ptr<Memory> >& memory,
                         std::function<void()> done) {
  Wait();
  work_ = std::make_shared<Work>();
  work_->done = std::move(done);
  for (const auto& source : memory) {
    if (copies_.contains(source.get())) continue;
    void* destination = nullptr;
    napi_value buffer = NewArrayBuffer(env, source->size(), &destination);
    Napi::Reference<Napi::Value>& copy = copies_[source.get()];
    if (buffer == nullptr) continue;
    copy = Napi::Reference<Napi::Value>::New(Napi::Value(env, buffer), 1);
    work_->copies.push_back({destination, source});
  }
  try {
    StartThread([work = work_] { work->Run(); });
  } catch (const std::system_error&) {
    work_->Run();  // a stall of this thread is better than a lost result
  }
}

napi_value MemoryCopies::Take(napi_env env, const Memory& memory) {
  const auto found = copies_.find(&memory);
  if (found != copies_.end()) {
    napi_value buffer = found->second.IsEmpty() ? nullptr : static_cast<napi_value>(found->second.Value());
    copies_.erase(found);
    return buffer;
  }
  void* data = nullptr;
  napi_value buffer = NewArrayBuffer(env, memory.size(), &data);
  if (buffer != nullptr && memory.size() > 0) std::memcpy(data, memory.data(), memory.size());
  return buffer;
}

void MemoryCopies::Wait() {
  if (work_ == nullptr) return;
  std::unique_lock<std::mutex> lock(work_->mutex);
  work_->ended.wait(lock, [this] { return work_->has_ended; });
  lock.unlock();
  work_ = nullptr;
}

}  // namespace bridge
