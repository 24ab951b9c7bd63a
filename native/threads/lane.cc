#include "threads/lane.h"

#include <utility>

#include "threads/gil.h"

namespace bridge {

void Lane::Post(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Lane::Run() {
  for (;;) {
    std::deque<Task> tasks;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return !tasks_.empty(); });
      tasks.swap(tasks_);
    }
    const Gil gil;
    while (!tasks.empty()) {
      tasks.front()();
      // What the task captured may own references of Python's: destroyed here, with the GIL held.
      tasks.pop_front();
    }
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

Lane& ReleaseLane() {
  static Lane* lane = new Lane;
  return *lane;
}

}  // namespace bridge
