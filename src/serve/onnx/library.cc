#include "serve/onnx/library.h"

#include <dlfcn.h>

#include <cstdlib>

#include <fmt/format.h>

namespace millrace::serve::onnx {
namespace {

constexpr size_t kMessageBytes = 400;

// ONNX type of each DType, in its order.
constexpr int kElementTypes[] = {kBool,  kUint8, kUint16, kUint32, kUint64, kInt8,    kInt16,
                                 kInt32, kInt64, kFloat,  kDouble, kString, kFloat16, kBfloat16};
static_assert(std::size(kElementTypes) == kDTypes);

Error unusable(const std::string& path, std::string why) {
  return Error{Code::unavailable, fmt::format("ONNX Runtime cannot be used: {}", why)}
      .at({.file = path})
      .hint("run ./dev deps, or let MILLRACE_LIB_DIR name the folder of libonnxruntime.so");
}

// "1.31.0" -> 31; -1 when it is no version of the first series.
int minor_of(std::string_view version) {
  if (!version.starts_with("1.")) return -1;
  return std::atoi(std::string(version.substr(2)).c_str());
}

Code code_of(int error) {
  switch (error) {
    case kInvalidProtobuf:
    case kNoModel: return Code::corrupt;
    case kNotImplemented: return Code::unsupported;
    default: return Code::invalid;
  }
}

// The library has no code for it.
bool is_want_of_memory(std::string_view message) {
  for (const std::string_view sign : {"bad_alloc", "Failed to allocate memory", "smaller than requested bytes"})
    if (message.find(sign) != std::string_view::npos) return true;
  return false;
}

}  // namespace

Result<std::shared_ptr<const Library>> Library::open(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return unusable(path, ::dlerror());
  const auto get_base = reinterpret_cast<const OrtApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr) return unusable(path, "the library has no OrtGetApiBase");
  const OrtApiBase* base = get_base();
  const std::string version = base->get_version();
  // Asked before the table: an older library writes to standard error when it is asked for a newer table.
  if (minor_of(version) < kOldestMinor)
    return unusable(path, fmt::format("version {} is older than 1.{}.0", version, kOldestMinor));
  const void* const* table = base->get_api(kTableVersion);
  if (table == nullptr)
    return unusable(path, fmt::format("version {} does not serve the table of 1.{}", version, kTableVersion));

  std::shared_ptr<Library> library(new Library(table));
  library->version = version;
  const Api& api = library->api;
  MILLRACE_DO(library->check(api.create_env(kLogFatal, "millrace", &library->env)));
  // The program's main() has set ORT_DISABLE_TELEMETRY already: without it making the environment writes to HOME.
  MILLRACE_DO(library->check(api.disable_telemetry(library->env)));
  MILLRACE_DO(library->check(api.create_cpu_memory_info(kDeviceAllocator, kMemoryDefault, &library->memory)));
  MILLRACE_DO(library->check(api.default_allocator(&library->allocator)));
  return std::shared_ptr<const Library>(std::move(library));
}

Library::~Library() {
  if (memory != nullptr) api.release_memory_info(memory);
  if (env != nullptr) api.release_env(env);
}

Result<void> Library::check(OrtStatus* status) const {
  if (status == nullptr) return {};
  std::string message = api.error_message(status);
  const Code code = is_want_of_memory(message) ? Code::too_large : code_of(api.error_code(status));
  api.release_status(status);
  if (message.size() > kMessageBytes) message = message.substr(0, kMessageBytes) + "...";
  return Error{code, std::move(message)};
}

std::optional<DType> dtype_of(int element_type) {
  for (size_t i = 0; i < std::size(kElementTypes); ++i)
    if (kElementTypes[i] == element_type) return static_cast<DType>(i);
  return std::nullopt;
}

int element_type_of(DType type) { return kElementTypes[static_cast<size_t>(type)]; }

Result<Value> to_value(const Library& library, const Tensor& tensor) {
  Value value(library);
  const Shape& shape = tensor.shape;
  if (tensor.type != DType::bytes) {
    // The library takes a non-const pointer and reads it only.
    void* bytes = const_cast<std::byte*>(tensor.data.data());
    MILLRACE_DO(library.check(library.api.create_tensor_over(library.memory, bytes, tensor.data.size(), shape.data(),
                                                             shape.rank(), element_type_of(tensor.type), value.out())));
    return value;
  }
  MILLRACE_DO(
      library.check(library.api.create_tensor(library.allocator, shape.data(), shape.rank(), kString, value.out())));
  for (size_t i = 0; i < tensor.texts.size(); ++i) {
    const std::string& text = tensor.texts[i];
    char* place = nullptr;
    MILLRACE_DO(library.check(library.api.text_buffer(value.get(), i, text.size(), &place)));
    std::copy(text.begin(), text.end(), place);
  }
  return value;
}

namespace {

Result<void> copy_texts(const Library& library, OrtValue* value, size_t count, Tensor& out) {
  size_t total = 0;
  MILLRACE_DO(library.check(library.api.text_bytes(value, &total)));
  std::string bytes(total, '\0');
  std::vector<size_t> starts(count);
  MILLRACE_DO(library.check(library.api.text_content(value, bytes.data(), total, starts.data(), count)));
  for (size_t i = 0; i < count; ++i)
    out.texts.push_back(bytes.substr(starts[i], (i + 1 < count ? starts[i + 1] : total) - starts[i]));
  return {};
}

}  // namespace

Result<Tensor> to_tensor(const Library& library, OrtValue* value) {
  const Api& api = library.api;
  TensorInfo info(library);
  MILLRACE_DO(library.check(api.tensor_info(value, info.out())));
  int element = 0;
  size_t rank = 0, count = 0;
  MILLRACE_DO(library.check(api.element_type(info.get(), &element)));
  MILLRACE_DO(library.check(api.rank(info.get(), &rank)));
  MILLRACE_DO(library.check(api.element_count(info.get(), &count)));
  const auto type = dtype_of(element);
  if (!type || rank > kMaxRank) return Error{Code::unsupported, "the model gave a tensor that cannot be answered"};
  int64_t dims[kMaxRank] = {};
  MILLRACE_DO(library.check(api.dimensions(info.get(), dims, rank)));
  Tensor out{.type = *type};
  for (size_t i = 0; i < rank; ++i) out.shape.push(dims[i]);
  if (*type == DType::bytes) {
    MILLRACE_DO(copy_texts(library, value, count, out));
    return out;
  }
  void* data = nullptr;
  MILLRACE_DO(library.check(api.tensor_data(value, &data)));
  const auto* bytes = static_cast<const std::byte*>(data);
  out.data.assign(bytes, bytes + count * size_of(*type));
  return out;
}

}  // namespace millrace::serve::onnx
