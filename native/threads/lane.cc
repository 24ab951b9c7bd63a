#include "threads/lane.h"

#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace bridge {

void Lane::Post(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Lane::Release(const Reference& reference) {
  {
    const std::scoped_lock lock(mutex_);
    released_.push_back(reference);
  }
  wake_.notify_one();
}

void Lane::Run() {
  for (;;) {
    std::vector<Reference> released;
    Task task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return !tasks_.empty() || !released_.empty(); });
      released.swap(released_);
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
    }
    const Gil gil;
    for (Reference& reference : released) reference.Drop();
    if (task) task();
    // What the task captured may own Python memory: dropped here, with the GIL held.
    task = nullptr;
  }
}

Lane& CommandLane() {
  static Lane* lane = new Lane;
  return *lane;
}

Lane& ControlLane() {
  static Lane* lane = new Lane;
  return *lane;
}

#ifdef _WIN32

void StartThread(std::function<void()> body) { std::thread(std::move(body)).detach(); }

#else

namespace {

constexpr size_t kStackSize = 16U << 20U;

void* RunBody(void* argument) {
  const std::unique_ptr<std::function<void()> > body(static_cast<std::function<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

void StartThread(std::function<void()> body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackSize);
  auto* argument = new std::function<void()>(std::move(body));  // RunBody's, once the thread has started
  pthread_t thread{};
  const int status = pthread_create(&thread, &attributes, RunBody, argument);
  pthread_attr_destroy(&attributes);
  if (status == 0) return;
  delete argument;
  throw std::system_error(status, std::generic_category(), "a Python thread could not be started");
}

#endif

}  // namespace bridge
