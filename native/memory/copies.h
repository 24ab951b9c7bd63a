// Copies of Python's memory, for runtimes that refuse external buffers (Electron, a V8 with a memory cage).
//
// A large copy is never made on the JS thread: the message that holds the memory waits while a thread copies, without
// the GIL. Lifetime: one for each environment. The destination belongs to V8, so the environment waits for the copying
// thread before it ends. JS thread only, except for the copying itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "memory/memory.h"
#include "napi_setup.h"
#include "values/value.h"

namespace bridge {

class MemoryCopies {
 public:
  // Smaller memory is copied on the spot, in some microseconds.
  static constexpr size_t kSmallest = 64U << 10U;
  // What a Buffer of Node 20 holds. Larger memory is not copied at all.
  static constexpr size_t kLargest = 4ULL << 30U;
  // From here on a refusal may be for good: Chromium's allocator, which Electron has, gives no block of 2 GiB, less one
  // of its pages.
  static constexpr size_t kLargestOfChromium = (2ULL << 30U) - (2ULL << 20U);

  // Asks the runtime whether it takes external buffers.
  explicit MemoryCopies(napi_env env);
  MemoryCopies(const MemoryCopies&) = delete;
  MemoryCopies& operator=(const MemoryCopies&) = delete;
  ~MemoryCopies() = default;

  // Whether this runtime refuses external buffers.
  [[nodiscard]] bool needed() const { return needed_; }

  // The large memory in `value` that has no copy yet; empty where none is needed.
  [[nodiscard]] std::vector<std::shared_ptr<Memory> > Missing(const Value& value) const;

  // Copies `memory` on a thread, then calls `done` there.
  void Start(napi_env env, const std::vector<std::shared_ptr<Memory> >& memory, std::function<void()> done);

  // The copy as an ArrayBuffer; null where V8 has no room for it.
  napi_value Take(napi_env env, const Memory& memory);

  // After each message: a copy that was not taken must not be taken for that of other memory at the same address.
  void Forget() { copies_.clear(); }

  // Until the copying thread is done.
  void Wait();

 private:
  struct Work;

  bool needed_ = false;
  std::map<const Memory*, Napi::Reference<Napi::Value> > copies_;  // empty references where there was no room
  std::shared_ptr<Work> work_;
};

}  // namespace bridge
