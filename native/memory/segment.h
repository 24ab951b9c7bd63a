// Memory that two processes map: one creates it, the other opens it by its name.
//
// Lifetime: it is anonymous. The bytes live as long as one of the two maps them, and are gone with both processes,
// however those end. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace bridge {

class Segment {
 public:
  // Both throw std::system_error.
  static std::shared_ptr<Segment> Create(size_t size);
  // Another process's, while that one still has it.
  static std::shared_ptr<Segment> Open(const std::string& name, size_t size);

  // Unmaps it.
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  // What another process opens it by.
  [[nodiscard]] const std::string& name() const { return name_; }

  // How many this process maps.
  static int64_t LiveCount();

 private:
  Segment(std::string name, void* data, size_t size, std::intptr_t handle);

  std::string name_;
  void* data_;
  size_t size_;
  std::intptr_t handle_;  // a descriptor, a HANDLE; kNone
};

}  // namespace bridge
