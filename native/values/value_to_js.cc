#include "values/value_to_js.h"

#include "napi_setup.h"

namespace bridge {

namespace {

MemoryToJs memory_to_js = nullptr;  // set once, by the first environment

class HandleScope {
 public:
  explicit HandleScope(napi_env env) : env_(env) { napi_open_handle_scope(env, &scope_); }
  ~HandleScope() { napi_close_handle_scope(env_, scope_); }
  HandleScope(const HandleScope&) = delete;
  HandleScope& operator=(const HandleScope&) = delete;

 private:
  napi_env env_;
  napi_handle_scope scope_ = nullptr;
};

// By reference: arguments are evaluated in any order, and the first one sets the second.
napi_value OrNull(napi_status status, const napi_value& value) { return status == napi_ok ? value : nullptr; }

bool DefineOwn(napi_env env, napi_value object, napi_value key, napi_value value) {
  if (key == nullptr || value == nullptr) return false;
  const napi_property_descriptor descriptor = {nullptr, key, nullptr, nullptr, nullptr, value, napi_default_jsproperty,
                                               nullptr};
  return napi_define_properties(env, object, 1, &descriptor) == napi_ok;
}

struct ToJsVisitor {
  napi_env env;

  napi_value operator()(std::nullptr_t) const {
    napi_value result = nullptr;
    return OrNull(napi_get_null(env, &result), result);
  }
  napi_value operator()(bool flag) const {
    napi_value result = nullptr;
    return OrNull(napi_get_boolean(env, flag, &result), result);
  }
  napi_value operator()(int64_t number) const { return (*this)(static_cast<double>(number)); }
  napi_value operator()(double number) const {
    napi_value result = nullptr;
    return OrNull(napi_create_double(env, number, &result), result);
  }
  napi_value operator()(const BigInt& integer) const {
    napi_value result = nullptr;
    const int sign = integer.negative ? 1 : 0;
    return OrNull(napi_create_bigint_words(env, sign, integer.words.size(), integer.words.data(), &result), result);
  }
  napi_value operator()(const std::string& text) const {
    napi_value result = nullptr;
    return OrNull(napi_create_string_latin1(env, text.data(), text.size(), &result), result);
  }
  napi_value operator()(const std::u16string& text) const {
    napi_value result = nullptr;
    return OrNull(napi_create_string_utf16(env, text.data(), text.size(), &result), result);
  }
  napi_value operator()(const Array& items) const {
    napi_value array = nullptr;
    if (napi_create_array_with_length(env, items.size(), &array) != napi_ok) return nullptr;
    uint32_t index = 0;
    for (const Value& item : items) {
      const HandleScope scope(env);
      napi_value element = ToJs(env, item);
      if (element == nullptr || napi_set_element(env, array, index, element) != napi_ok) return nullptr;
      ++index;
    }
    return array;
  }
  napi_value operator()(const Object& properties) const {
    napi_value object = nullptr;
    if (napi_create_object(env, &object) != napi_ok) return nullptr;
    for (const Property& property : properties) {
      const HandleScope scope(env);
      if (!DefineOwn(env, object, ToJs(env, property.key), ToJs(env, property.value))) return nullptr;
    }
    return object;
  }
  napi_value operator()(const JsonText& json) const {
    napi_value result = nullptr;
    return OrNull(napi_create_string_utf8(env, json.text.data(), json.text.size(), &result), result);
  }
  napi_value operator()(const TypedBytes& bytes) const {
    napi_value result = nullptr;
    return OrNull(napi_create_buffer_copy(env, bytes.data.size(), bytes.data.data(), nullptr, &result), result);
  }
  napi_value operator()(const std::shared_ptr<Memory>& memory) const { return memory_to_js(env, memory); }
};

}  // namespace

void SetMemoryToJs(MemoryToJs function) { memory_to_js = function; }

napi_value ToJs(napi_env env, const Value& value) { return std::visit(ToJsVisitor{env}, value.data); }

bool Define(napi_env env, napi_value object, const char* name, napi_value value) {
  return DefineOwn(env, object, ToJs(env, {std::string(name)}), value);
}

napi_value ToJsError(napi_env env, const ErrorInfo& error) {
  napi_value result = nullptr;
  napi_value code = ToJs(env, {error.code});
  napi_value message = ToJs(env, error.message);
  if (code == nullptr || message == nullptr || napi_create_error(env, code, message, &result) != napi_ok) {
    return nullptr;
  }
  if (std::holds_alternative<std::nullptr_t>(error.python_type.data)) return result;
  const bool defined = Define(env, result, "pythonType", ToJs(env, error.python_type)) &&
                       Define(env, result, "pythonMessage", ToJs(env, error.python_message)) &&
                       Define(env, result, "pythonTraceback", ToJs(env, error.traceback));
  return defined ? result : nullptr;
}

}  // namespace bridge
