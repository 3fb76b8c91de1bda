// The part of ONNX Runtime's C interface that we call, declared by us: the wheel ships the library without headers.
// The function table is append-only and ABI-stable, so a slot's number holds for this version of the table and all
// later ones. load() checks the library's own version text and that the table is served at kTableVersion.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::serve::onnx {

// Opaque objects of the library; each is released with its own slot.
struct OrtEnv;
struct OrtStatus;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtAllocator;
struct OrtMemoryInfo;
struct OrtTypeInfo;
struct OrtTensorInfo;  // OrtTensorTypeAndShapeInfo

inline constexpr uint32_t kTableVersion = 20;  // the first of 1.20; holds every slot below
inline constexpr int kOldestMinor = 20;

enum : int { kLogFatal = 4, kOptimizeAll = 99, kTypeTensor = 1, kDeviceAllocator = 0, kMemoryDefault = 0 };
enum : int {
  kOk = 0,
  kFail = 1,
  kInvalidArgument = 2,
  kNoModel = 4,
  kInvalidProtobuf = 7,
  kNotImplemented = 9,
  kInvalidGraph = 10
};
enum : int {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16
};

struct OrtApiBase {
  const void* const* (*get_api)(uint32_t version);  // the table; null when the library is older
  const char* (*get_version)();
};

// A slot: its number and its type. Status is null on success and must be released otherwise.
template <size_t Number, class Function>
struct Slot;
template <size_t Number, class R, class... A>
struct Slot<Number, R(A...)> {
  R operator()(A... arguments) const {
    return reinterpret_cast<R (*)(A...)>(const_cast<void*>(table[Number]))(arguments...);
  }
  const void* const* table;
};
template <size_t Number, class... A>
using Call = Slot<Number, OrtStatus*(A...)>;

struct Api {
  explicit Api(const void* const* table) : table(table) {}
  const void* const* table;

  Slot<1, int(const OrtStatus*)> error_code{table};
  Slot<2, const char*(const OrtStatus*)> error_message{table};
  Call<3, int, const char*, OrtEnv**> create_env{table};
  Call<6, const OrtEnv*> disable_telemetry{table};
  Call<8, const OrtEnv*, const void*, size_t, const OrtSessionOptions*, OrtSession**> create_session_from_array{table};
  Call<9, OrtSession*, const OrtRunOptions*, const char* const*, const OrtValue* const*, size_t, const char* const*,
       size_t, OrtValue**>
      run{table};
  Call<10, OrtSessionOptions**> create_session_options{table};
  Call<17, OrtSessionOptions*> disable_memory_pattern{table};
  Call<22, OrtSessionOptions*, int> set_log_severity{table};
  Call<23, OrtSessionOptions*, int> set_optimization{table};
  Call<24, OrtSessionOptions*, int> set_intra_threads{table};
  Call<25, OrtSessionOptions*, int> set_inter_threads{table};
  Call<30, const OrtSession*, size_t*> input_count{table};
  Call<31, const OrtSession*, size_t*> output_count{table};
  Call<33, const OrtSession*, size_t, OrtTypeInfo**> input_type{table};
  Call<34, const OrtSession*, size_t, OrtTypeInfo**> output_type{table};
  Call<36, const OrtSession*, size_t, OrtAllocator*, char**> input_name{table};
  Call<37, const OrtSession*, size_t, OrtAllocator*, char**> output_name{table};
  Call<48, OrtAllocator*, const int64_t*, size_t, int, OrtValue**> create_tensor{table};
  Call<49, const OrtMemoryInfo*, void*, size_t, const int64_t*, size_t, int, OrtValue**> create_tensor_over{table};
  Call<51, OrtValue*, void**> tensor_data{table};
  Call<53, const OrtValue*, size_t*> text_bytes{table};
  Call<54, const OrtValue*, void*, size_t, size_t*, size_t> text_content{table};
  Call<55, const OrtTypeInfo*, const OrtTensorInfo**> cast_to_tensor_info{table};
  Call<56, const OrtTypeInfo*, int*> kind_of{table};
  Call<60, const OrtTensorInfo*, int*> element_type{table};
  Call<61, const OrtTensorInfo*, size_t*> rank{table};
  Call<62, const OrtTensorInfo*, int64_t*, size_t> dimensions{table};
  Call<63, const OrtTensorInfo*, const char**, size_t> symbols{table};
  Call<64, const OrtTensorInfo*, size_t*> element_count{table};
  Call<65, const OrtValue*, OrtTensorInfo**> tensor_info{table};
  Call<67, const OrtValue*, int*> value_kind{table};
  Call<69, int, int, OrtMemoryInfo**> create_cpu_memory_info{table};
  Call<76, OrtAllocator*, void*> allocator_free{table};
  Call<78, OrtAllocator**> default_allocator{table};
  Call<252, OrtValue*, size_t, size_t, char**> text_buffer{table};

  Slot<92, void(OrtEnv*)> release_env{table};
  Slot<93, void(OrtStatus*)> release_status{table};
  Slot<94, void(OrtMemoryInfo*)> release_memory_info{table};
  Slot<95, void(OrtSession*)> release_session{table};
  Slot<96, void(OrtValue*)> release_value{table};
  Slot<98, void(OrtTypeInfo*)> release_type_info{table};
  Slot<99, void(OrtTensorInfo*)> release_tensor_info{table};
  Slot<100, void(OrtSessionOptions*)> release_session_options{table};
};

}  // namespace millrace::serve::onnx
