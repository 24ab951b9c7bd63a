// What one Node environment (the main thread or a Worker) holds of this addon. JS thread only.
//
// Lifetime: made when the addon is loaded into the environment, kept as its instance data. The cleanup hook closes the
// outbox before Node takes its thread-safe function away, waits for copies that are being made into this environment's
// memory, then tells Python that its client has gone and which channels it had open.
#pragma once

#include <memory>

#include "events/outbox.h"
#include "memory/tensors.h"
#include "napi_setup.h"

namespace bridge {

class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  static Environment& Of(napi_env env);

  [[nodiscard]] const std::shared_ptr<Outbox>& outbox() const { return outbox_; }
  [[nodiscard]] Tensors& tensors() { return tensors_; }

  void SetEventHandler(const Napi::Function& handler);

 private:
  static void Deliver(napi_env env, Message message);
  static void OnCleanup(void* data);

  std::shared_ptr<Outbox> outbox_;
  Napi::FunctionReference event_handler_;
  Tensors tensors_;
};

}  // namespace bridge
