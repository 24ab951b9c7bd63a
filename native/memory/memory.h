// C-contiguous memory of the CPU, as both sides describe it, and what keeps it alive for JavaScript.
//
// Lifetime: a Memory holds one reference to its exporter in Python. It lets go of it when the last shared_ptr to it
// goes: every view was disposed or collected, no message and no token of share() has it any more. Letting go is a task
// of the release lane, whichever thread drops the last shared_ptr: no thread can ask whether it holds the GIL, because
// PyGILState_Check() answers yes to all of them once the process has had a subinterpreter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bridge {

class Memory {
 public:
  // What Python wants back. Its destructor gives that back; a Python thread, GIL held.
  class Reference {
   public:
    Reference() = default;
    virtual ~Reference() = default;
    Reference(const Reference&) = delete;
    Reference& operator=(const Reference&) = delete;
  };

  struct Layout {
    void* data = nullptr;
    size_t size = 0;  // bytes
    std::string dtype;
    std::vector<int64_t> shape;
    bool zero_copy = true;  // false where the exporter is a private copy
  };

  // Any thread.
  Memory(std::unique_ptr<Reference> reference, Layout layout);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] void* data() const { return layout_.data; }
  [[nodiscard]] size_t size() const { return layout_.size; }
  [[nodiscard]] const std::string& dtype() const { return layout_.dtype; }
  [[nodiscard]] const std::vector<int64_t>& shape() const { return layout_.shape; }
  [[nodiscard]] bool zero_copy() const { return layout_.zero_copy; }

  // How many there are in the process.
  static int64_t LiveCount();

 private:
  std::unique_ptr<Reference> reference_;
  Layout layout_;
};

}  // namespace bridge
