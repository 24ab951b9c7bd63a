#include "memory/memory.h"

#include <atomic>
#include <new>
#include <utility>

#include "threads/lane.h"

namespace bridge {

namespace {

std::atomic<int64_t> live_count{0};

}  // namespace

Memory::Memory(std::unique_ptr<Reference> reference, Layout layout)
    : reference_(std::move(reference)), layout_(std::move(layout)) {
  ++live_count;
}

Memory::~Memory() {
  --live_count;
  Reference* reference = reference_.release();
  try {
    ReleaseLane().Post([reference] { delete reference; });
  } catch (const std::bad_alloc&) {
    reference = nullptr;  // lost, rather than given back without the GIL
  }
}

int64_t Memory::LiveCount() { return live_count.load(); }

}  // namespace bridge
