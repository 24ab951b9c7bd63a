#include "threads/thread.h"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <pthread.h>
#endif

namespace bridge {

namespace {

using Body = std::function<void()>;

constexpr size_t kStackSize = 16U << 20U;

void Run(void* argument) {
  const std::unique_ptr<Body> body(static_cast<Body*>(argument));
  (*body)();
}

[[noreturn]] void Refuse(int error) {
  throw std::system_error(error, std::generic_category(), "a Python thread could not be started");
}

#ifdef _WIN32

unsigned __stdcall RunBody(void* argument) {
  Run(argument);
  return 0;
}

#else

void* RunBody(void* argument) {
  Run(argument);
  return nullptr;
}

#endif

}  // namespace

#ifdef _WIN32

// The default stack is 1 MB there: a tenth of what Python's recursion limit takes.
void StartThread(std::function<void()> body) {
  auto* argument = new Body(std::move(body));  // RunBody's, once the thread has started
  const uintptr_t thread =
      _beginthreadex(nullptr, kStackSize, RunBody, argument, STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (thread == 0) {
    delete argument;
    Refuse(errno);
  }
  CloseHandle(reinterpret_cast<HANDLE>(thread));
}

#else

void StartThread(std::function<void()> body) {
  auto* argument = new Body(std::move(body));  // RunBody's, once the thread has started
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_t thread{};
  const int status = pthread_create(&thread, &attributes, RunBody, argument);
  pthread_attr_destroy(&attributes);
  if (status == 0) return;
  delete argument;
  Refuse(status);
}

#endif

}  // namespace bridge
