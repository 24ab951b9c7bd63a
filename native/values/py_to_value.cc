#include "values/py_to_value.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cmath>

#include "memory/memory.h"

namespace py = pybind11;

namespace bridge {

namespace {

constexpr size_t kMaxDepth = 200;
constexpr int64_t kMaxSafeInteger = 9'007'199'254'740'991;  // 2^53 - 1
constexpr Py_ssize_t kMaxRepr = 1000;
constexpr char kUnprintable[] = "<unprintable>";
constexpr size_t kMaxHexDigits = size_t{1} << 28U;  // V8 throws at an integer of more than 2^30 bits

PyObject* adapter = nullptr;  // set once, kept for good

class Converter {
 public:
  Value Convert(PyObject* object) {
    if (object == Py_None) return {};
    if (PyBool_Check(object)) return {object == Py_True};
    if (PyLong_Check(object)) return FromInteger(object);
    if (PyFloat_Check(object)) return {PyFloat_AS_DOUBLE(object)};
    if (PyUnicode_Check(object)) return FromPythonString(object);
    // By type, not by isinstance(): that would ask the object for its `__class__`, which may raise.
    if (PyObject_TypeCheck(object, memory_type_)) return {py::handle(object).cast<std::shared_ptr<Memory>>()};
    if (ancestors_.size() >= kMaxDepth || std::ranges::find(ancestors_, object) != ancestors_.end()) {
      return Unknown(object);
    }
    ancestors_.push_back(object);
    Value value = ConvertNested(object);
    ancestors_.pop_back();
    return value;
  }

 private:
  Value ConvertNested(PyObject* object) {
    if (PyDict_Check(object)) return FromDict(object);
    if (PyList_Check(object) || PyTuple_Check(object)) return FromSequence(object);
    if (PyAnySet_Check(object)) {
      // By way of a copy of the set proper: a subclass's `__iter__` may raise, or never end.
      const auto copy = py::reinterpret_steal<py::object>(PyFrozenSet_New(object));
      const auto items = py::reinterpret_steal<py::object>(copy ? PySequence_List(copy.ptr()) : nullptr);
      if (items) return FromSequence(items.ptr());
      PyErr_Clear();
      return Unknown(object);
    }
    return Adapt(object);
  }

  static Value FromInteger(PyObject* object) {
    int overflow = 0;
    const int64_t number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0 && number >= -kMaxSafeInteger && number <= kMaxSafeInteger) return {number};
    const auto text = py::reinterpret_steal<py::object>(PyNumber_ToBase(object, 16));  // "-0x1f"
    if (!text) {
      PyErr_Clear();
      return Unknown(object);
    }
    BigInt integer;
    auto digits = text.cast<std::string>();
    integer.negative = digits[0] == '-';
    digits.erase(0, integer.negative ? 3 : 2);
    // Without its repr(), which takes hours where Python has no limit for that.
    if (digits.size() > kMaxHexDigits) return Unknown(object, {std::string(kUnprintable)});
    for (size_t end = digits.size(); end > 0; end -= std::min<size_t>(end, 16)) {
      const size_t begin = end - std::min<size_t>(end, 16);
      integer.words.push_back(std::stoull(digits.substr(begin, end - begin), nullptr, 16));
    }
    return {std::move(integer)};
  }

  // The list or tuple may change while an adapter runs: the length is asked each time, items are held.
  Value FromSequence(PyObject* sequence) {
    Array items;
    items.reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(sequence)));
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(sequence); ++index) {
      const auto item = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(sequence, index));
      items.push_back(Convert(item.ptr()));
    }
    return {std::move(items)};
  }

  Value FromDict(PyObject* dictionary) {
    const auto items = py::reinterpret_steal<py::object>(PyDict_Items(dictionary));
    if (!items) {
      PyErr_Clear();
      return Unknown(dictionary);
    }
    Object properties;
    const Py_ssize_t count = PyList_GET_SIZE(items.ptr());
    properties.reserve(static_cast<size_t>(count));
    for (Py_ssize_t index = 0; index < count; ++index) {
      PyObject* pair = PyList_GET_ITEM(items.ptr(), index);
      properties.push_back({Key(PyTuple_GET_ITEM(pair, 0)), Convert(PyTuple_GET_ITEM(pair, 1))});
    }
    return {std::move(properties)};
  }

  static Value Key(PyObject* key) {
    if (PyUnicode_Check(key)) return FromPythonString(key);
    const auto text = py::reinterpret_steal<py::object>(PyObject_Str(key));
    if (text) return FromPythonString(text.ptr());
    PyErr_Clear();
    return {std::string("<unprintable key>")};
  }

  Value Adapt(PyObject* object) {
    if (adapter == nullptr) return Unknown(object);
    const auto adapted = py::reinterpret_steal<py::object>(PyObject_CallOneArg(adapter, object));
    if (!adapted) {
      PyErr_Clear();
      return Unknown(object);
    }
    if (adapted.ptr() == object) return Unknown(object);
    return Convert(adapted.ptr());
  }

  static Value Unknown(PyObject* object) { return Unknown(object, Repr(object)); }

  static Value Unknown(PyObject* object, Value repr) {
    Object properties;
    properties.push_back({{std::string("pythonType")}, TypeName(object)});
    properties.push_back({{std::string("repr")}, std::move(repr)});
    return {std::move(properties)};
  }

  static Value TypeName(PyObject* object) { return FromUtf8(Py_TYPE(object)->tp_name); }

  static Value Repr(PyObject* object) {
    auto text = py::reinterpret_steal<py::object>(PyObject_Repr(object));
    if (text && PyUnicode_GET_LENGTH(text.ptr()) > kMaxRepr) {
      text = py::reinterpret_steal<py::object>(PyUnicode_Substring(text.ptr(), 0, kMaxRepr));
    }
    if (text) return FromPythonString(text.ptr());
    PyErr_Clear();
    return {std::string(kUnprintable)};
  }

  PyTypeObject* memory_type_ = reinterpret_cast<PyTypeObject*>(py::type::of<Memory>().ptr());
  std::vector<PyObject*> ancestors_;  // borrowed: each is being converted, so somebody holds it
};

}  // namespace

void SetAdapter(PyObject* function) {
  Py_XINCREF(function);
  adapter = function;
}

Value FromPython(PyObject* object) { return Converter().Convert(object); }

Value FromPythonString(PyObject* text) {
  if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND) {
    return {
        std::string(static_cast<const char*>(PyUnicode_DATA(text)), static_cast<size_t>(PyUnicode_GET_LENGTH(text)))};
  }
  const auto encoded = py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(text, "utf-16-le", "surrogatepass"));
  if (!encoded) {
    PyErr_Clear();
    return {std::string()};
  }
  const auto* data = reinterpret_cast<const char16_t*>(PyBytes_AS_STRING(encoded.ptr()));
  return {std::u16string(data, static_cast<size_t>(PyBytes_GET_SIZE(encoded.ptr())) / sizeof(char16_t))};
}

}  // namespace bridge
