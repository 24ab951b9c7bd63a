#include "values/value.h"

#include <algorithm>

#include "memory/memory.h"

namespace bridge {

namespace {

struct SizeVisitor {
  size_t operator()(const BigInt& integer) const { return integer.words.size() * sizeof(uint64_t); }
  size_t operator()(const std::string& text) const { return text.size(); }
  size_t operator()(const std::u16string& text) const { return text.size() * sizeof(char16_t); }
  size_t operator()(const JsonText& json) const { return json.text.size(); }
  size_t operator()(const TypedBytes& bytes) const { return bytes.data.size(); }
  size_t operator()(const std::shared_ptr<Memory>& memory) const { return memory->size(); }
  size_t operator()(const Array& items) const {
    size_t size = 0;
    for (const Value& item : items) size += SizeOf(item);
    return size;
  }
  size_t operator()(const Object& properties) const {
    size_t size = 0;
    for (const Property& property : properties) size += SizeOf(property.key) + SizeOf(property.value);
    return size;
  }
  template <typename Scalar>
  size_t operator()(const Scalar&) const {
    return 0;
  }
};

}  // namespace

Value FromUtf8(const std::string& text) {
  const auto is_ascii = [](char character) { return static_cast<unsigned char>(character) < 0x80; };
  if (std::ranges::all_of(text, is_ascii)) return {text};
  std::u16string wide;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? first : first & (0x7FU >> length);
    for (size_t k = 1; k < length && i + k < text.size(); ++k) {
      point = (point << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    i += length;
    if (point < 0x10000) {
      wide.push_back(static_cast<char16_t>(point));
    } else {
      wide.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10U)));
      wide.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FFU)));
    }
  }
  return {std::move(wide)};
}

void CollectMemory(const Value& value, std::vector<std::shared_ptr<Memory> >* found) {
  if (const auto* memory = std::get_if<std::shared_ptr<Memory> >(&value.data)) {
    found->push_back(*memory);
  } else if (const auto* items = std::get_if<Array>(&value.data)) {
    for (const Value& item : *items) CollectMemory(item, found);
  } else if (const auto* properties = std::get_if<Object>(&value.data)) {
    for (const Property& property : *properties) CollectMemory(property.value, found);
  }
}

void FreeLevelByLevel(Value value) {
  std::vector<Value> containers;
  const auto take = [&containers](Value& item) {
    if (std::holds_alternative<Array>(item.data) || std::holds_alternative<Object>(item.data)) {
      containers.push_back(std::move(item));
    }
  };
  take(value);
  while (!containers.empty()) {
    Value container = std::move(containers.back());
    containers.pop_back();
    if (auto* items = std::get_if<Array>(&container.data)) {
      for (Value& item : *items) take(item);
    } else {
      for (Property& property : std::get<Object>(container.data)) take(property.value);
    }
  }
}

ErrorInfo MakeError(const char* code, const std::string& message) {
  ErrorInfo info;
  info.code = code;
  info.message = FromUtf8(message);
  return info;
}

size_t SizeOf(const Value& value) { return sizeof(Value) + std::visit(SizeVisitor{}, value.data); }

}  // namespace bridge
