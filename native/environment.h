// What one Node environment (the main thread or a Worker) holds of this addon. JS thread only.
//
// Lifetime: made when the addon is loaded into the environment, kept as its instance data. The cleanup hook closes the
// lane before Node takes its thread-safe function away, and tells Python which channels have lost their listener.
#pragma once

#include <memory>

#include "event_lane.h"
#include "napi_setup.h"
#include "value.h"

namespace bridge {

class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  static Environment& Of(napi_env env);

  [[nodiscard]] const std::shared_ptr<EventLane>& lane() const { return lane_; }

  void SetEventHandler(const Napi::Function& handler);
  void SetMemoryFactory(const Napi::Function& factory);

  // An external ArrayBuffer over `memory`, wrapped by the memory factory. Where the runtime refuses external buffers
  // (Electron) the bytes are copied, and the object says so. Null where Node-API refuses, as in value_to_js.h.
  napi_value MakeTensor(napi_env env, const std::shared_ptr<Memory>& memory);

  // Detaches `buffer` and lets go of Python's reference. Idempotent.
  static void ReleaseTensor(const Napi::CallbackInfo& info);

 private:
  static void Deliver(napi_env env, Message message);
  static void OnCleanup(void* data);

  std::shared_ptr<EventLane> lane_;
  Napi::FunctionReference event_handler_;
  Napi::FunctionReference memory_factory_;
};

}  // namespace bridge
