#include "memory/copy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

namespace bridge {

namespace {

// Less is copied before a thread has started.
constexpr size_t kPiece = 8U << 20U;
// Memory has no more channels.
constexpr size_t kMostThreads = 4;
constexpr size_t kPage = 4096;

}  // namespace

void CopyInParallel(void* to, const void* from, size_t size) {
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const size_t count = std::clamp<size_t>(size / kPiece, 1, std::min(cores, kMostThreads));
  const size_t piece = (size / count + kPage - 1) / kPage * kPage;
  const auto copy = [=](size_t index) {
    const size_t begin = std::min(size, index * piece);
    const size_t end = index + 1 == count ? size : std::min(size, begin + piece);
    std::memcpy(static_cast<uint8_t*>(to) + begin, static_cast<const uint8_t*>(from) + begin, end - begin);
  };
  std::vector<std::thread> threads;
  const auto start = [&](size_t index) {
    try {
      threads.emplace_back(copy, index);
      return true;
    } catch (const std::system_error&) {
      return false;  // no thread is left: this one does the rest
    }
  };
  threads.reserve(count);
  size_t started = 1;
  while (started < count && start(started)) ++started;
  copy(0);
  for (size_t index = started; index < count; ++index) copy(index);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace bridge
