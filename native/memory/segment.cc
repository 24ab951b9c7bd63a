#include "memory/segment.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace bridge {

namespace {

constexpr std::intptr_t kNone = -1;

std::atomic<int64_t> live_segments{0};

#ifdef _WIN32

[[noreturn]] void Fail(const char* what) {
  throw std::system_error(static_cast<int>(GetLastError()), std::system_category(), what);
}

// The object has a name for as long as one process has it open.
std::string NewName() {
  static std::atomic<int64_t> next{1};
  return "Local\\wangp-node-" + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(next++) + "-" +
         std::to_string(GetTickCount64());
}

void* Map(HANDLE handle, size_t size) {
  void* data = MapViewOfFile(handle, FILE_MAP_ALL_ACCESS, 0, 0, size);
  if (data != nullptr) return data;
  const DWORD error = GetLastError();
  CloseHandle(handle);
  SetLastError(error);
  Fail("a shared segment could not be mapped");
}

#else

[[noreturn]] void Fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void* Map(int descriptor, size_t size) {
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data != MAP_FAILED) return data;
  const int error = errno;
  close(descriptor);
  errno = error;
  Fail("a shared segment could not be mapped");
}

#ifndef __linux__

// At most 31 characters on macOS.
std::string NewName() {
  static std::atomic<int64_t> next{1};
  return "/wangp-" + std::to_string(getpid()) + "-" + std::to_string(next++);
}

#endif

#endif

}  // namespace

Segment::Segment(std::string name, void* data, size_t size, std::intptr_t handle)
    : name_(std::move(name)), data_(data), size_(size), handle_(handle) {
  ++live_segments;
}

int64_t Segment::LiveCount() { return live_segments.load(); }

#ifdef _WIN32

std::shared_ptr<Segment> Segment::Create(size_t size) {
  std::string name = NewName();
  HANDLE handle = CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, static_cast<DWORD>(size >> 32U),
                                     static_cast<DWORD>(size), name.c_str());
  if (handle == nullptr) Fail("there is no memory for a shared segment");
  void* data = Map(handle, size);
  return std::shared_ptr<Segment>(new Segment(std::move(name), data, size, reinterpret_cast<std::intptr_t>(handle)));
}

std::shared_ptr<Segment> Segment::Open(const std::string& name, size_t size) {
  HANDLE handle = OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, name.c_str());
  if (handle == nullptr) Fail("a shared segment could not be opened");
  void* data = Map(handle, size);
  return std::shared_ptr<Segment>(new Segment(name, data, size, reinterpret_cast<std::intptr_t>(handle)));
}

Segment::~Segment() {
  --live_segments;
  UnmapViewOfFile(data_);
  CloseHandle(reinterpret_cast<HANDLE>(handle_));
}

#elif defined(__linux__)

// A container's /dev/shm holds 64 MB; a memfd has no such limit.
std::shared_ptr<Segment> Segment::Create(size_t size) {
  const int descriptor = memfd_create("wangp-node", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) Fail("there is no memory for a shared segment");
  if (ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
    const int error = errno;
    close(descriptor);
    errno = error;
    Fail("there is no memory for a shared segment");
  }
  // Cut short by somebody, it would end both processes with SIGBUS.
  fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  void* data = Map(descriptor, size);
  // Where the system gives shared memory huge pages, fresh memory costs a tenth.
  madvise(data, size, MADV_HUGEPAGE);
  std::string name = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor);
  return std::shared_ptr<Segment>(new Segment(std::move(name), data, size, descriptor));
}

std::shared_ptr<Segment> Segment::Open(const std::string& name, size_t size) {
  const int descriptor = open(name.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) Fail("a shared segment could not be opened");
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || std::cmp_less(status.st_size, size)) {
    // The other process has ended, and its number is another's.
    close(descriptor);
    errno = ENOENT;
    Fail("a shared segment is gone");
  }
  void* data = Map(descriptor, size);
  close(descriptor);
  return std::shared_ptr<Segment>(new Segment(name, data, size, kNone));
}

Segment::~Segment() {
  --live_segments;
  munmap(data_, size_);
  if (handle_ != kNone) close(static_cast<int>(handle_));
}

#else

std::shared_ptr<Segment> Segment::Create(size_t size) {
  std::string name = NewName();
  shm_unlink(name.c_str());  // of a process that had this number before, and was killed
  const int descriptor = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, S_IRUSR | S_IWUSR);
  if (descriptor < 0) Fail("there is no memory for a shared segment");
  if (ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
    const int error = errno;
    close(descriptor);
    shm_unlink(name.c_str());
    errno = error;
    Fail("there is no memory for a shared segment");
  }
  void* data = Map(descriptor, size);
  return std::shared_ptr<Segment>(new Segment(std::move(name), data, size, descriptor));
}

// It has no name any more then: nobody has to take it away.
std::shared_ptr<Segment> Segment::Open(const std::string& name, size_t size) {
  const int descriptor = shm_open(name.c_str(), O_RDWR, 0);
  if (descriptor < 0) Fail("a shared segment could not be opened");
  shm_unlink(name.c_str());
  void* data = Map(descriptor, size);
  close(descriptor);
  return std::shared_ptr<Segment>(new Segment(name, data, size, kNone));
}

Segment::~Segment() {
  --live_segments;
  munmap(data_, size_);
  if (handle_ == kNone) return;
  close(static_cast<int>(handle_));
  shm_unlink(name_.c_str());
}

#endif

}  // namespace bridge
