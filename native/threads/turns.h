// Work for a JS thread, from any thread: each task in a turn of its own. It never keeps the event loop alive.
//
// Lifetime: shared by the environment and by whoever may post. After Close(), in an environment cleanup hook, nothing
// is posted any more, and the thread-safe function is not touched again.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "napi_setup.h"

namespace bridge {

class Turns {
 public:
  using Task = std::function<void(napi_env)>;

  // JS thread. Throws Napi::Error.
  static std::shared_ptr<Turns> Create(Napi::Env env, const char* name);
  // JS thread.
  void Close();
  // Any thread. A task that comes too late is destroyed.
  void Post(Task task);

 private:
  static void OnTurn(napi_env env, napi_value callback, void* context, void* data);

  std::mutex mutex_;
  bool is_open_ = true;
  std::deque<Task> tasks_;
  napi_threadsafe_function tsfn_ = nullptr;
};

}  // namespace bridge
