#include "process/console.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#ifdef _WIN32
#include <io.h>
#else
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#endif
#ifdef __linux__
#include <linux/sockios.h>
#endif

#include "threads/thread.h"

namespace bridge {

namespace {

// A pipe takes this much at once or not at all, so that lines of other writers don't get into a shorter one. Larger
// pieces would hide from Drain that a slow reader is alive: a blocking descriptor returns only when all is taken.
constexpr size_t kPieceSize = 4096;

#ifdef __linux__

// Half would not do: a pipe holds pages, and pieces of a bit more than half a page take one each.
constexpr int kShare = 4;

// Whether less than our share of a pipe or socket waits to be read; others (files, terminals) always have room.
bool HasRoom(int descriptor) {
  int waiting = 0;
  int capacity = fcntl(descriptor, F_GETPIPE_SZ);
  if (capacity > 0) return ioctl(descriptor, FIONREAD, &waiting) != 0 || waiting < capacity / kShare;
  socklen_t size = sizeof capacity;
  if (getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &capacity, &size) != 0) return true;
  return ioctl(descriptor, SIOCOUTQ, &waiting) != 0 || waiting < capacity / kShare;
}

bool IsBroken(int descriptor) {
  pollfd state{descriptor, 0, 0};
  return poll(&state, 1, 0) > 0;
}

// What Node writes to a full pipe or socket waits in its event loop, and process.exit() loses it: were we to fill the
// descriptor, the host's last lines would be lost where they are not without us.
void WaitForRoom(int descriptor, const std::atomic<bool>& host_ended) {
  constexpr std::chrono::microseconds kLongest{5000};
  std::chrono::microseconds pause{100};
  while (!host_ended && !HasRoom(descriptor) && !IsBroken(descriptor)) {
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongest);
  }
}

#else

void WaitForRoom(int, const std::atomic<bool>&) {}

#endif

// How much the descriptor took, at least 1; 0 where nobody reads it any more. Waits for it, however long that takes.
size_t WriteSome(int descriptor, const char* data, size_t size) {
#ifdef _WIN32
  const int count = _write(descriptor, data, static_cast<unsigned>(size));
  return count > 0 ? static_cast<size_t>(count) : 0;
#else
  for (;;) {
    const ssize_t count = write(descriptor, data, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd waiting{descriptor, POLLOUT, 0};
      poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return 0;
    }
  }
#endif
}

}  // namespace

void ConsoleWriter::Write(int descriptor, std::string text) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!StartOnce()) {
    lock.unlock();
    WriteItself({descriptor, std::move(text)});
    return;
  }
  written_.wait(lock, [this] { return taken_ - done_ < kMaxBytes; });
  taken_ += text.size();
  chunks_.push_back({descriptor, std::move(text)});
  wake_.notify_one();
}

bool ConsoleWriter::StartOnce() {
  if (started_) return true;
  try {
    StartThread([this] { Run(); });
    return started_ = true;
  } catch (const std::system_error&) {
    return false;  // the next one that prints tries again
  }
}

void ConsoleWriter::WriteItself(const Chunk& chunk) {
  {
    const std::scoped_lock lock(mutex_);
    taken_ += chunk.text.size();
  }
  const std::scoped_lock in_order(direct_);
  WriteAll(chunk);
}

bool ConsoleWriter::Drain(std::chrono::milliseconds idle, std::chrono::milliseconds total) {
  host_ended_ = true;
  const auto end = std::chrono::steady_clock::now() + total;
  std::unique_lock<std::mutex> lock(mutex_);
  // Threads that go on printing must not keep the process from its end.
  const uint64_t goal = taken_;
  while (done_ < goal) {
    const uint64_t before = done_;
    const auto limit = std::min(end, std::chrono::steady_clock::now() + idle);
    if (!written_.wait_until(lock, limit, [&] { return done_ != before; })) return false;
  }
  return true;
}

void ConsoleWriter::CountWritten(size_t size) {
  const std::scoped_lock lock(mutex_);
  done_ += size;
  written_.notify_all();
}

// A descriptor that nobody reads any more loses its output, as a closed terminal does.
void ConsoleWriter::WriteAll(const Chunk& chunk) {
  size_t offset = 0;
  while (offset < chunk.text.size()) {
    const size_t rest = chunk.text.size() - offset;
    WaitForRoom(chunk.descriptor, host_ended_);
    const size_t count = WriteSome(chunk.descriptor, chunk.text.data() + offset, std::min(rest, kPieceSize));
    CountWritten(count == 0 ? rest : count);
    offset += count == 0 ? rest : count;
  }
}

void ConsoleWriter::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !chunks_.empty(); });
    const Chunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    lock.unlock();
    WriteAll(chunk);
    lock.lock();
  }
}

ConsoleWriter& Console() {
  static auto* console = new ConsoleWriter;
  return *console;
}

}  // namespace bridge
