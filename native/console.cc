#include "console.h"

#include <cerrno>
#include <utility>

#ifdef _WIN32
#include <io.h>
#else
#include <poll.h>
#include <unistd.h>
#endif

#include "command_lane.h"

namespace bridge {

namespace {

// A descriptor that nobody reads any more loses its output, as a closed terminal does.
void WriteAll(int descriptor, const std::string& text) {
  size_t offset = 0;
  while (offset < text.size()) {
#ifdef _WIN32
    const int count = _write(descriptor, text.data() + offset, static_cast<unsigned>(text.size() - offset));
    if (count < 0) return;
    offset += static_cast<size_t>(count);
#else
    const ssize_t count = write(descriptor, text.data() + offset, text.size() - offset);
    if (count >= 0) {
      offset += static_cast<size_t>(count);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd waiting{descriptor, POLLOUT, 0};
      poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
#endif
  }
}

}  // namespace

void ConsoleWriter::Write(int descriptor, std::string text) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!started_) {
    StartThread([this] { Run(); });
    started_ = true;
  }
  written_.wait(lock, [this] { return bytes_ < kMaxBytes; });
  bytes_ += text.size();
  chunks_.push_back({descriptor, std::move(text)});
  wake_.notify_one();
}

bool ConsoleWriter::Drain(std::chrono::milliseconds limit) {
  std::unique_lock<std::mutex> lock(mutex_);
  return written_.wait_for(lock, limit, [this] { return bytes_ == 0; });
}

void ConsoleWriter::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !chunks_.empty(); });
    const Chunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    lock.unlock();
    WriteAll(chunk.descriptor, chunk.text);
    lock.lock();
    bytes_ -= chunk.text.size();
    written_.notify_all();
  }
}

ConsoleWriter& Console() {
  static auto* console = new ConsoleWriter;
  return *console;
}

}  // namespace bridge
