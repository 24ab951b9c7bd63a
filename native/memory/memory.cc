#include "memory/memory.h"

#include <atomic>
#include <utility>

namespace bridge {

namespace {

std::atomic<int64_t> live_count{0};

}  // namespace

Memory::Memory(std::unique_ptr<Owner> owner, Layout layout) : owner_(std::move(owner)), layout_(std::move(layout)) {
  ++live_count;
}

Memory::~Memory() {
  --live_count;
  owner_.release()->LetGo();
}

int64_t Memory::LiveCount() { return live_count.load(); }

}  // namespace bridge
