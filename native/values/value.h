// A plain value on its way across the border. It belongs to neither side: no Node-API handle, no Python reference,
// so that any thread may build, move and drop one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bridge {

class Memory;

// Two's-complement free: the magnitude in 64-bit words, least significant first, as Node-API has it.
struct BigInt {
  bool negative = false;
  std::vector<uint64_t> words;
};

// Bytes that JavaScript gave: a copy, since its ArrayBuffer may be detached at any time.
struct TypedBytes {
  std::vector<uint8_t> data;
  const char* format;  // as in Python's struct module
  size_t item_size;
};

// A template, so that an object of values can be part of a value.
template <typename AnyValue>
struct PropertyOf {
  AnyValue key;  // a string
  AnyValue value;
};

// A value as JSON has it, in UTF-8: read by Python's own json, on a Python thread.
struct JsonText {
  std::string text;
};

struct Value;
using Array = std::vector<Value>;
using Property = PropertyOf<Value>;
using Object = std::vector<Property>;

struct Value {
  // std::string holds Latin-1 (what most Python strings are), std::u16string everything else, lone surrogates too.
  std::variant<std::nullptr_t, bool, int64_t, double, BigInt, std::string, std::u16string, Array, Object, TypedBytes,
               JsonText, std::shared_ptr<Memory>>
      data = nullptr;
};

// What an exception of Python's is on the other side.
struct ErrorInfo {
  std::string code;  // ASCII
  Value message;
  // Of the exception that Python raised, where one did.
  Value python_type;
  Value python_message;
  Value traceback;
};

// An error of this addon's own making.
ErrorInfo MakeError(const char* code, const std::string& message);

// A string value from UTF-8, as the C library and the system give text.
Value FromUtf8(const std::string& text);

// The memory that a value holds, wherever it stands in it, is appended to `found`.
void CollectMemory(const Value& value, std::vector<std::shared_ptr<Memory>>* found);

// Frees a value without recursion: the stack of a JS thread may be near its end.
void FreeLevelByLevel(Value value);

// About how many bytes a value keeps from being freed; what the outbox's limit counts.
size_t SizeOf(const Value& value);

}  // namespace bridge
