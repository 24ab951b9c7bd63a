#include "values/js_to_value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "values/place.h"

namespace bridge {

namespace {

constexpr size_t kMaxDepth = 1000;
// A larger circle is refused for its depth: to compare with every ancestor takes too long where all are deep.
constexpr size_t kMaxCircle = 64;
// Handles of so many elements are kept at once.
constexpr uint32_t kScopeSize = 512;
// A sparse array may claim 2^32 - 1 elements, and each takes memory on its way.
constexpr double kMaxElements = 10'000'000;

// A set of flags, as Node-API means it.
// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
constexpr auto kEnumerableStrings = static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols);

struct ElementType {
  const char* format;  // as in Python's struct module
  size_t size;
};

// A null format for a kind of typed array that came after this Node-API.
ElementType ElementTypeOf(napi_typedarray_type type) {
  switch (type) {
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return {"B", 1};
    case napi_int8_array:
      return {"b", 1};
    case napi_int16_array:
      return {"h", 2};
    case napi_uint16_array:
      return {"H", 2};
    case napi_int32_array:
      return {"i", 4};
    case napi_uint32_array:
      return {"I", 4};
    case napi_float32_array:
      return {"f", 4};
    case napi_float64_array:
      return {"d", 8};
    case napi_bigint64_array:
      return {"q", 8};
    case napi_biguint64_array:
      return {"Q", 8};
    default:
      return {nullptr, 0};
  }
}

// Depth first, by a stack of its own: a Worker's may hold less than the levels of a settings object take.
class Converter {
 public:
  Converter(Napi::Env env, const std::string& name) : env_(env), name_(name) {
    const auto object = env.Global().Get("Object").As<Napi::Object>();
    object_prototype_ = object.Get("prototype");
  }
  ~Converter() {
    while (!frames_.empty()) Leave();
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  Value Convert(napi_value root) {
    Value value;
    if (!IsContainer(root, &value)) return value;
    Enter(root);
    for (;;) {
      Frame& frame = frames_.back();
      if (frame.next == frame.length) {
        Value finished = std::move(frame.value);
        Leave();
        if (frames_.empty()) return finished;
        Store(std::move(finished));
        continue;
      }
      napi_value item = Next(frame);
      if (item == nullptr) continue;
      if (IsContainer(item, &value)) {
        Enter(item);
      } else {
        Store(std::move(value));
      }
    }
  }

 private:
  // A container that is being converted: its content so far, and where we are in it.
  struct Frame {
    napi_value container;
    napi_value keys;  // null for an array
    uint32_t length;
    uint32_t next;
    napi_handle_scope scope;  // of what was taken out of the container
    Value value;
  };

  void Check(napi_status status) const {
    if (status != napi_ok) throw Napi::Error::New(env_);
  }

  // False with the converted value for what has no content of its own to go through.
  bool IsContainer(napi_value item, Value* value) {
    napi_valuetype type = napi_undefined;
    Check(napi_typeof(env_, item, &type));
    switch (type) {
      case napi_undefined:
      case napi_null:
        *value = {};
        return false;
      case napi_boolean: {
        bool flag = false;
        Check(napi_get_value_bool(env_, item, &flag));
        *value = {flag};
        return false;
      }
      case napi_number:
        *value = FromNumber(item);
        return false;
      case napi_string:
        *value = FromString(item);
        return false;
      case napi_bigint:
        *value = FromBigInt(Napi::BigInt(env_, item));
        return false;
      case napi_object:
        return !IsBytes(Napi::Object(env_, item), value);
      case napi_function:
        Refuse("a function");
      case napi_symbol:
        Refuse("a symbol");
      default:
        Refuse("an external value");
    }
  }

  Value FromNumber(napi_value item) {
    double number = 0;
    Check(napi_get_value_double(env_, item, &number));
    if (std::isnan(number)) Refuse("NaN");
    if (std::isinf(number)) Refuse(number > 0 ? "Infinity" : "-Infinity");
    return {number};
  }

  // Latin-1 where it will do: half the memory, and most of Python's strings.
  [[nodiscard]] Value FromString(napi_value item) const {
    std::array<char16_t, 256> short_text{};
    size_t length = 0;
    Check(napi_get_value_string_utf16(env_, item, short_text.data(), short_text.size(), &length));
    if (length + 1 < short_text.size()) return Narrowest({short_text.data(), length});
    Check(napi_get_value_string_utf16(env_, item, nullptr, 0, &length));
    std::u16string text(length, u'\0');
    Check(napi_get_value_string_utf16(env_, item, text.data(), length + 1, &length));
    return Narrowest(text);
  }

  static Value Narrowest(std::u16string_view text) {
    if (std::ranges::any_of(text, [](char16_t character) { return character > 0xFF; })) {
      return {std::u16string(text)};
    }
    std::string latin1(text.size(), '\0');
    std::ranges::transform(text, latin1.begin(), [](char16_t character) { return static_cast<char>(character); });
    return {std::move(latin1)};
  }

  static Value FromBigInt(Napi::BigInt value) {
    BigInt integer;
    size_t count = value.WordCount();
    integer.words.resize(count);
    int sign = 0;
    if (count > 0) value.ToWords(&sign, &count, integer.words.data());
    integer.negative = sign != 0;
    return {std::move(integer)};
  }

  bool IsBytes(const Napi::Object& object, Value* value) {
    if (object.IsTypedArray()) {
      const auto array = object.As<Napi::TypedArray>();
      const ElementType element = ElementTypeOf(array.TypedArrayType());
      if (element.format == nullptr) Refuse("a typed array of an unknown kind");
      *value = CopyBytes(array.ArrayBuffer(), array.ByteOffset(), array.ByteLength(), element);
      return true;
    }
    if (object.IsArrayBuffer()) {
      auto buffer = object.As<Napi::ArrayBuffer>();
      *value = CopyBytes(buffer, 0, buffer.ByteLength(), {"B", 1});
      return true;
    }
    if (object.IsDataView()) {
      const auto view = object.As<Napi::DataView>();
      *value = CopyBytes(view.ArrayBuffer(), view.ByteOffset(), view.ByteLength(), {"B", 1});
      return true;
    }
    return false;
  }

  Value CopyBytes(Napi::ArrayBuffer buffer, size_t offset, size_t length, ElementType element) {
    if (!buffer.IsArrayBuffer()) Refuse("memory shared between threads", "pass a copy: array.slice()");
    if (buffer.IsDetached()) Refuse("a detached ArrayBuffer");
    TypedBytes bytes{{}, element.format, element.size};
    const auto* data = static_cast<const uint8_t*>(buffer.Data());
    if (length > 0) bytes.data.assign(data + offset, data + offset + length);
    return {std::move(bytes)};
  }

  void Enter(napi_value container) {
    const auto count = static_cast<ptrdiff_t>(std::min(frames_.size(), kMaxCircle));
    for (auto ancestor = frames_.end() - count; ancestor != frames_.end(); ++ancestor) {
      bool is_same = false;
      Check(napi_strict_equals(env_, ancestor->container, container, &is_same));
      if (is_same) Refuse("an object that contains itself");
    }
    if (frames_.size() >= kMaxDepth) Refuse("more than 1,000 levels deep");
    const Napi::Object object(env_, container);
    Frame frame{container, nullptr, 0, 0, nullptr, {}};
    const bool is_plain = IsPlain(container);
    if (!is_plain && IsArray(object)) {
      frame.length = LengthOf(object);
      Array items;
      items.reserve(frame.length);
      frame.value = {std::move(items)};
    } else {
      Check(napi_get_all_property_names(env_, container, napi_key_own_only, kEnumerableStrings,
                                        napi_key_numbers_to_strings, &frame.keys));
      Check(napi_get_array_length(env_, frame.keys, &frame.length));
      if (!is_plain) RefuseBuiltIn(object, frame.length);
      Object properties;
      properties.reserve(frame.length);
      frame.value = {std::move(properties)};
    }
    Check(napi_open_handle_scope(env_, &frame.scope));
    frames_.push_back(std::move(frame));
  }

  void Leave() {
    napi_close_handle_scope(env_, frames_.back().scope);
    FreeLevelByLevel(std::move(frames_.back().value));
    frames_.pop_back();
  }

  // The next element; of an object the next value, its key stored. Null for an undefined property, which is left out.
  napi_value Next(Frame& frame) {
    const uint32_t index = frame.next++;
    if (index % kScopeSize == kScopeSize - 1) {
      Check(napi_close_handle_scope(env_, frame.scope));
      Check(napi_open_handle_scope(env_, &frame.scope));
    }
    napi_value item = nullptr;
    if (frame.keys == nullptr) {
      Check(napi_get_element(env_, frame.container, index, &item));
      return item;
    }
    napi_value key = nullptr;
    Check(napi_get_element(env_, frame.keys, index, &key));
    Check(napi_get_property(env_, frame.container, key, &item));
    napi_valuetype type = napi_undefined;
    Check(napi_typeof(env_, item, &type));
    if (type == napi_undefined) return nullptr;
    std::get<Object>(frame.value.data).push_back({FromString(key), {}});
    return item;
  }

  void Store(Value value) {
    Frame& frame = frames_.back();
    if (frame.keys == nullptr) {
      std::get<Array>(frame.value.data).push_back(std::move(value));
    } else {
      std::get<Object>(frame.value.data).back().value = std::move(value);
    }
  }

  // Object literals and what JSON.parse gives: no built-in class has this prototype.
  [[nodiscard]] bool IsPlain(napi_value object) const {
    napi_value prototype = nullptr;
    bool is_plain = false;
    Check(napi_get_prototype(env_, object, &prototype));
    Check(napi_strict_equals(env_, prototype, object_prototype_, &is_plain));
    return is_plain;
  }

  // To Node-API a Proxy of an array (the reactive state of many frameworks) is no array; to JavaScript it is.
  bool IsArray(const Napi::Object& object) {
    if (object.IsArray()) return true;
    const auto constructor = env_.Global().Get("Array").As<Napi::Object>();
    return constructor.Get("isArray").As<Napi::Function>().Call(constructor, {object}).ToBoolean();
  }

  uint32_t LengthOf(const Napi::Object& array) {
    const double claimed = array.Get("length").ToNumber().DoubleValue();
    if (claimed > kMaxElements) Refuse("an array of more than 10,000,000 elements", "pass a typed array");
    return claimed > 0 ? static_cast<uint32_t>(claimed) : 0;
  }

  // Built-in classes whose content is not in their properties would arrive as empty dictionaries. Instances of other
  // classes are taken for what they show.
  void RefuseBuiltIn(const Napi::Object& object, uint32_t property_count) {
    if (object.IsDate()) Refuse("a Date", "pass date.toISOString() or a number");
    if (object.IsPromise()) Refuse("a Promise", "await it first");
    const std::string tag = TagOf(object);
    static const std::unordered_set<std::string>* const refused = new std::unordered_set<std::string>{
        "Map",     "Set",  "WeakMap", "WeakSet", "WeakRef", "RegExp", "SharedArrayBuffer",
        "Boolean", "Blob", "Error",   "Number",  "String"};
    const bool is_plain = tag == "Object" || tag == "Arguments" || tag == "Module";
    if (refused->contains(tag) || (!is_plain && property_count == 0)) {
      const bool starts_with_vowel = std::string("AEIO").find(tag[0]) != std::string::npos;
      Refuse((starts_with_vowel ? "an " : "a ") + tag, tag == "URL" ? "pass a string" : "pass a plain value");
    }
  }

  // `URL` of "[object URL]".
  std::string TagOf(const Napi::Object& object) {
    const auto to_string = env_.Global()
                               .Get("Object")
                               .As<Napi::Object>()
                               .Get("prototype")
                               .As<Napi::Object>()
                               .Get("toString")
                               .As<Napi::Function>();
    const std::string text = to_string.Call(object, {}).ToString().Utf8Value();
    constexpr size_t kPrefix = sizeof "[object " - 1;
    return text.size() > kPrefix ? text.substr(kPrefix, text.size() - kPrefix - 1) : "Object";
  }

  [[noreturn]] void Refuse(const std::string& what, const std::string& advice = "") {
    std::string message = Shortened(Place()) + " is " + what + ", which cannot be handed to Python";
    if (!advice.empty()) message += ": " + advice;
    const Napi::Error error = Napi::Error::New(env_, message);
    error.Set("code", Napi::String::New(env_, "ERR_WANGP_VALUE"));
    throw error;
  }

  // Where we are, as JavaScript would write it.
  [[nodiscard]] std::string Place() const {
    std::string place = name_;
    for (const Frame& frame : frames_) {
      const uint32_t index = frame.next - 1;
      if (frame.keys == nullptr) {
        place += "[" + std::to_string(index) + "]";
      } else {
        const std::string key = Napi::Array(env_, frame.keys).Get(index).As<Napi::String>().Utf8Value();
        place += StepTo(key);
      }
    }
    return place;
  }

  Napi::Env env_;
  const std::string& name_;
  napi_value object_prototype_;
  std::vector<Frame> frames_;  // the ancestors of what is being converted, outermost first
};

[[noreturn]] void RefuseForSize(Napi::Env env, const std::string& name) {
  const Napi::Error error = Napi::Error::New(env, name + " is too large: there is no memory for its copy");
  error.Set("code", Napi::String::New(env, "ERR_WANGP_VALUE"));
  throw error;
}

}  // namespace

Value FromJs(const Napi::Value& value, const std::string& name) {
  try {
    return Converter(value.Env(), name).Convert(value);
  } catch (const std::bad_alloc&) {
    RefuseForSize(value.Env(), name);
  } catch (const std::length_error&) {
    RefuseForSize(value.Env(), name);
  }
}

}  // namespace bridge
