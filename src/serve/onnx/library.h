// The opened library: its table, one environment, and what every call needs around it. Internal to serve/onnx.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/result.h"
#include "serve/onnx/c_api.h"
#include "serve/tensor.h"

namespace millrace::serve::onnx {

// Thread-safe after open().
class Library {
 public:
  static Result<std::shared_ptr<const Library>> open(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Null is success. Otherwise the status is released and its text is the error's, cut to a readable length;
  // `too_large` when there was no memory to be had.
  Result<void> check(OrtStatus* status) const;

  Api api;
  OrtEnv* env = nullptr;
  OrtMemoryInfo* memory = nullptr;
  OrtAllocator* allocator = nullptr;  // owned by the library
  std::string version;

 private:
  explicit Library(const void* const* table) : api(table) {}
};

// Owns one object of the library.
template <class T, auto Release>
class Owned {
 public:
  explicit Owned(const Library& library) : library_(&library) {}
  Owned(Owned&& other) noexcept : library_(other.library_), object_(std::exchange(other.object_, nullptr)) {}
  ~Owned() {
    if (object_ != nullptr) (library_->api.*Release)(object_);
  }
  T* get() const { return object_; }
  T** out() { return &object_; }

 private:
  const Library* library_;
  T* object_ = nullptr;
};
using Value = Owned<OrtValue, &Api::release_value>;
using Session = Owned<OrtSession, &Api::release_session>;
using SessionOptions = Owned<OrtSessionOptions, &Api::release_session_options>;
using TypeInfo = Owned<OrtTypeInfo, &Api::release_type_info>;
using TensorInfo = Owned<OrtTensorInfo, &Api::release_tensor_info>;

// nothing for element types that the protocol cannot name (complex numbers, 4 and 8 bit floats, ...)
std::optional<DType> dtype_of(int element_type);
int element_type_of(DType type);

// A value over `tensor`'s own bytes (texts are copied): the tensor must outlive it.
Result<Value> to_value(const Library& library, const Tensor& tensor);
Result<Tensor> to_tensor(const Library& library, OrtValue* value);

}  // namespace millrace::serve::onnx
