// Python's console output. Node makes a piped stdout non-blocking, where Python's own writes would lose what does not
// fit: here one thread writes in order and waits for the descriptor instead.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
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
  // For when the host writes no more. Waits until what was handed over before this call is written. Gives up, with
  // false, when nothing could be written for `idle`, or after `total`: a slow reader gets everything, one that stopped
  // holds nobody up for long. Any thread without the GIL.
  bool Drain(std::chrono::milliseconds idle, std::chrono::milliseconds total);

 private:
  struct Chunk {
    int descriptor;
    std::string text;
  };

  void Run();
  // The mutex is held. Whether the console's thread runs.
  bool StartOnce();
  // Where the system refuses a thread: the printing thread writes, and waits for the descriptor itself.
  void WriteItself(const Chunk& chunk);
  // Mutex not held.
  void WriteAll(const Chunk& chunk);
  void CountWritten(size_t size);

  std::mutex mutex_;
  std::mutex direct_;  // one at a time writes itself
  std::condition_variable wake_;
  std::condition_variable written_;
  std::deque<Chunk> chunks_;
  // Bytes since the start: what lies between the two is waiting to be written.
  uint64_t taken_ = 0;
  uint64_t done_ = 0;  // written, or given up because nobody reads that descriptor
  bool started_ = false;
  std::atomic<bool> host_ended_ = false;
};

// Lives as long as the process; never destroyed.
ConsoleWriter& Console();

}  // namespace bridge
