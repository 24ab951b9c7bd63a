// C-contiguous memory of the CPU, as both sides describe it, and what keeps it alive for JavaScript.
//
// Lifetime: a Memory has one owner: a reference to an object of Python's, or a hold on a shared segment. It lets go of
// that when the last shared_ptr to it goes: every view was disposed or collected, no message and no token of share()
// has it any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bridge {

class Memory {
 public:
  // What keeps the bytes where they are.
  class Owner {
   public:
    Owner() = default;
    virtual ~Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    // The bytes are nobody's any more: deletes this, now or later. Any thread; doesn't throw.
    virtual void LetGo() = 0;
  };

  struct Layout {
    void* data = nullptr;
    size_t size = 0;  // bytes
    std::string dtype;
    std::vector<int64_t> shape;
    bool zero_copy = true;         // false where the bytes are a copy
    const char* place = "python";  // whose memory it is, as JavaScript hears it
  };

  // Any thread.
  Memory(std::unique_ptr<Owner> owner, Layout layout);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] void* data() const { return layout_.data; }
  [[nodiscard]] size_t size() const { return layout_.size; }
  [[nodiscard]] const std::string& dtype() const { return layout_.dtype; }
  [[nodiscard]] const std::vector<int64_t>& shape() const { return layout_.shape; }
  [[nodiscard]] bool zero_copy() const { return layout_.zero_copy; }
  [[nodiscard]] const char* place() const { return layout_.place; }

  // How many there are in the process.
  static int64_t LiveCount();

 private:
  std::unique_ptr<Owner> owner_;
  Layout layout_;
};

}  // namespace bridge
