#include "values/js_to_value.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <ranges>
#include <unordered_set>

#include "environment.h"

namespace py = pybind11;

namespace bridge {

namespace {

constexpr size_t kMaxDepth = 1000;
// A sparse array may claim 2^32 - 1 elements, and each takes memory on its way.
constexpr double kMaxElements = 10'000'000;
// A place longer than this is shown by its two ends.
constexpr size_t kMaxPlace = 200;

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

bool IsIdentifier(const std::string& key) {
  const auto is_part = [](unsigned char character) {
    return std::isalnum(character) != 0 || character == '_' || character == '$' || character >= 0x80;
  };
  return !key.empty() && std::isdigit(static_cast<unsigned char>(key[0])) == 0 && std::ranges::all_of(key, is_part);
}

class Converter {
 public:
  Converter(Napi::Env env, std::string name) : env_(env), name_(std::move(name)) {}

  Value Convert(const Napi::Value& value) {
    switch (value.Type()) {
      case napi_undefined:
      case napi_null:
        return {};
      case napi_boolean:
        return {value.As<Napi::Boolean>().Value()};
      case napi_number:
        return FromNumber(value.As<Napi::Number>().DoubleValue());
      case napi_string:
        return {value.As<Napi::String>().Utf16Value()};
      case napi_bigint:
        return FromBigInt(value.As<Napi::BigInt>());
      case napi_object:
        return FromObject(value.As<Napi::Object>());
      case napi_function:
        Refuse("a function");
      case napi_symbol:
        Refuse("a symbol");
      default:
        Refuse("an external value");
    }
  }

 private:
  Value FromNumber(double number) {
    if (std::isnan(number)) Refuse("NaN");
    if (std::isinf(number)) Refuse(number > 0 ? "Infinity" : "-Infinity");
    return {number};
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

  Value FromObject(const Napi::Object& object) {
    if (object.IsTypedArray()) {
      const auto array = object.As<Napi::TypedArray>();
      const ElementType element = ElementTypeOf(array.TypedArrayType());
      if (element.format == nullptr) Refuse("a typed array of an unknown kind");
      return CopyBytes(array.ArrayBuffer(), array.ByteOffset(), array.ByteLength(), element);
    }
    if (object.IsArrayBuffer()) {
      auto buffer = object.As<Napi::ArrayBuffer>();
      return CopyBytes(buffer, 0, buffer.ByteLength(), {"B", 1});
    }
    if (object.IsDataView()) {
      const auto view = object.As<Napi::DataView>();
      return CopyBytes(view.ArrayBuffer(), view.ByteOffset(), view.ByteLength(), {"B", 1});
    }
    for (const Napi::Object& ancestor : ancestors_) {
      if (ancestor.StrictEquals(object)) Refuse("an object that contains itself");
    }
    if (ancestors_.size() >= kMaxDepth) Refuse("more than 1,000 levels deep");
    ancestors_.push_back(object);
    Value result = IsArray(object) ? FromArray(object) : FromPlainObject(object);
    ancestors_.pop_back();
    return result;
  }

  // To Node-API a Proxy of an array (the reactive state of many frameworks) is no array; to JavaScript it is.
  bool IsArray(const Napi::Object& object) {
    if (object.IsArray()) return true;
    const auto constructor = env_.Global().Get("Array").As<Napi::Object>();
    return constructor.Get("isArray").As<Napi::Function>().Call(constructor, {object}).ToBoolean();
  }

  Value FromArray(const Napi::Object& array) {
    const double claimed = array.Get("length").ToNumber().DoubleValue();
    if (claimed > kMaxElements) Refuse("an array of more than 10,000,000 elements", "pass a typed array");
    const auto length = claimed > 0 ? static_cast<uint32_t>(claimed) : 0;
    Array items;
    items.reserve(length);
    for (uint32_t index = 0; index < length; ++index) {
      const Napi::HandleScope scope(env_);
      const size_t mark = Enter("[" + std::to_string(index) + "]");
      items.push_back(Convert(array.Get(index)));
      Leave(mark);
    }
    return {std::move(items)};
  }

  Value FromPlainObject(const Napi::Object& object) {
    napi_value names = nullptr;
    const napi_status status = napi_get_all_property_names(env_, object, napi_key_own_only, kEnumerableStrings,
                                                           napi_key_numbers_to_strings, &names);
    NAPI_THROW_IF_FAILED(env_, status, Value());
    const Napi::Array keys(env_, names);
    RefuseBuiltIn(object, keys.Length());
    Object properties;
    properties.reserve(keys.Length());
    for (uint32_t index = 0; index < keys.Length(); ++index) {
      const Napi::HandleScope scope(env_);
      const auto key = keys.Get(index).As<Napi::String>();
      const Napi::Value value = object.Get(key);
      if (value.IsUndefined()) continue;
      const std::string name = key.Utf8Value();
      const size_t mark = Enter(IsIdentifier(name) ? "." + name : "[\"" + name + "\"]");
      properties.push_back({{key.Utf16Value()}, Convert(value)});
      Leave(mark);
    }
    return {std::move(properties)};
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

  Value CopyBytes(Napi::ArrayBuffer buffer, size_t offset, size_t length, ElementType element) {
    if (!buffer.IsArrayBuffer()) Refuse("memory shared between threads", "pass a copy: array.slice()");
    if (buffer.IsDetached()) Refuse("a detached ArrayBuffer");
    TypedBytes bytes{{}, element.format, element.size};
    const auto* data = static_cast<const uint8_t*>(buffer.Data());
    if (length > 0) bytes.data.assign(data + offset, data + offset + length);
    return {std::move(bytes)};
  }

  size_t Enter(const std::string& step) {
    const size_t mark = name_.size();
    name_ += step;
    return mark;
  }
  void Leave(size_t mark) { name_.resize(mark); }

  [[noreturn]] void Refuse(const std::string& what, const std::string& advice = "") {
    std::string message = Place() + " is " + what + ", which cannot be handed to Python";
    if (!advice.empty()) message += ": " + advice;
    const Napi::Error error = Napi::Error::New(env_, message);
    error.Set("code", Napi::String::New(env_, "ERR_WANGP_VALUE"));
    throw error;
  }

  [[nodiscard]] std::string Place() const {
    if (name_.size() <= kMaxPlace) return name_;
    const auto is_continuation = [this](size_t at) { return (static_cast<unsigned char>(name_[at]) & 0xC0U) == 0x80; };
    size_t begin = kMaxPlace / 2;
    size_t end = name_.size() - kMaxPlace / 2;
    while (is_continuation(begin)) --begin;
    while (end < name_.size() && is_continuation(end)) ++end;
    return name_.substr(0, begin) + "…" + name_.substr(end);
  }

  Napi::Env env_;
  std::string name_;  // where we are, as JavaScript would write it
  std::vector<Napi::Object> ancestors_;
};

struct ToPythonVisitor {
  py::object operator()(std::nullptr_t) const { return py::none(); }
  py::object operator()(bool flag) const { return py::bool_(flag); }
  py::object operator()(int64_t number) const { return py::int_(number); }
  py::object operator()(double number) const {
    PyObject* object = number == std::trunc(number) ? PyLong_FromDouble(number) : PyFloat_FromDouble(number);
    return Owned(object);
  }
  py::object operator()(const BigInt& integer) const {
    std::string digits = integer.negative ? "-0x0" : "0x0";
    for (const uint64_t word : std::views::reverse(integer.words)) {
      for (unsigned digit = 16; digit-- > 0;) digits += "0123456789abcdef"[(word >> (4U * digit)) & 0xFU];
    }
    return Owned(PyLong_FromString(digits.c_str(), nullptr, 16));
  }
  py::object operator()(const std::string& text) const {
    return Owned(PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
  }
  py::object operator()(const std::u16string& text) const {
    int order = -1;  // little-endian, no byte-order mark
    return Owned(PyUnicode_DecodeUTF16(reinterpret_cast<const char*>(text.data()),
                                       static_cast<Py_ssize_t>(text.size() * sizeof(char16_t)), "surrogatepass",
                                       &order));
  }
  py::object operator()(const Array& items) const {
    const auto list = Owned(PyList_New(static_cast<Py_ssize_t>(items.size())));
    for (size_t index = 0; index < items.size(); ++index) {
      PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(index), ToPython(items[index]).release().ptr());
    }
    return list;
  }
  py::object operator()(const Object& properties) const {
    py::dict dictionary;
    for (const Property& property : properties) dictionary[ToPython(property.key)] = ToPython(property.value);
    return dictionary;
  }
  py::object operator()(const TypedBytes& bytes) const {
    const auto owner = Owned(PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(bytes.data.data()),
                                                           static_cast<Py_ssize_t>(bytes.data.size())));
    const auto view = Owned(PyMemoryView_FromObject(owner.ptr()));
    return bytes.item_size == 1 && *bytes.format == 'B' ? view : py::object(view.attr("cast")(bytes.format));
  }
  py::object operator()(const std::shared_ptr<Memory>& memory) const { return py::cast(memory); }

 private:
  static py::object Owned(PyObject* object) {
    if (object == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(object);
  }
};

}  // namespace

Value FromJs(const Napi::Value& value, const std::string& name) { return Converter(value.Env(), name).Convert(value); }

py::object ToPython(const Value& value) { return std::visit(ToPythonVisitor{}, value.data); }

}  // namespace bridge
