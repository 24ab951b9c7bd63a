#include "threads/turns.h"

#include <utility>

namespace bridge {

std::shared_ptr<Turns> Turns::Create(Napi::Env env, const char* name) {
  auto turns = std::make_shared<Turns>();
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, name), 0, 1,
                                                             nullptr, nullptr, turns.get(), OnTurn, &turns->tsfn_);
  if (status != napi_ok) throw Napi::Error::New(env, "a thread-safe function could not be created");
  napi_unref_threadsafe_function(env, turns->tsfn_);
  return turns;
}

void Turns::Close() {
  std::deque<Task> late;
  const std::scoped_lock lock(mutex_);
  late.swap(tasks_);
  if (!is_open_) return;
  is_open_ = false;
  napi_release_threadsafe_function(tsfn_, napi_tsfn_abort);
}

void Turns::Post(Task task) {
  const std::scoped_lock lock(mutex_);
  if (!is_open_) return;
  tasks_.push_back(std::move(task));
  if (napi_call_threadsafe_function(tsfn_, nullptr, napi_tsfn_nonblocking) == napi_closing) is_open_ = false;
}

void Turns::OnTurn(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  auto* turns = static_cast<Turns*>(context);
  Task task;
  {
    const std::scoped_lock lock(turns->mutex_);
    if (turns->tasks_.empty()) return;
    task = std::move(turns->tasks_.front());
    turns->tasks_.pop_front();
  }
  task(env);
}

}  // namespace bridge
