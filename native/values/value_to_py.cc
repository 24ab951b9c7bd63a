#include "values/value_to_py.h"

#include <cmath>
#include <memory>
#include <ranges>
#include <string>

#include "memory/memory.h"

namespace py = pybind11;

namespace bridge {

namespace {

PyObject* decode_json = nullptr;  // set once, kept for good

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
  py::object operator()(const JsonText& json) const {
    const auto text = Owned(PyUnicode_DecodeUTF8(json.text.data(), static_cast<Py_ssize_t>(json.text.size()), nullptr));
    return Owned(PyObject_CallOneArg(decode_json, text.ptr()));
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

void LoadJson() {
  const py::object decoder = py::module_::import("json").attr("JSONDecoder")();
  decode_json = py::object(decoder.attr("decode")).release().ptr();
}

py::object ToPython(const Value& value) { return std::visit(ToPythonVisitor{}, value.data); }

}  // namespace bridge
