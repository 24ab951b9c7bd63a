// Python's console output. Node makes a piped stdout non-blocking, where Python's own writes would lose what does not
// fit: here one thread writes in order and waits for the descriptor instead.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

namespace bridge {

class ConsoleWriter {
 public:
  // More than this waiting to be written, and a writer waits, as it would at a terminal.
  static constexpr size_t kMaxBytes = 64U << 20U;

  // Any thread without the GIL.
  void Write(int descriptor, std::string text);
  // Waits until all is written, at most `limit`. Any thread without the GIL.
  bool Drain(std::chrono::milliseconds limit);

 private:
  struct Chunk {
    int descriptor;
    std::string text;
  };

  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable written_;
  std::deque<Chunk> chunks_;
  size_t bytes_ = 0;  // waiting, with the chunk that is being written
  bool started_ = false;
};

// Lives as long as the process; never destroyed.
ConsoleWriter& Console();

}  // namespace bridge
