#include "serve/trees/files/ubj.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "core/limits/tree_limits.h"

namespace millrace::serve::trees {
namespace {

// Bytes of a number's payload; 0 = no number.
size_t size_of(char type) {
  switch (type) {
    case 'i':
    case 'U': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return 0;
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : all_(bytes), left_(bytes) {}

  Result<Json> document() {
    Json out;
    MILLRACE_DO(value(take(), out, 0));
    if (!left_.empty()) return broken("bytes follow the document");
    return out;
  }

 private:
  Error broken(std::string_view what) const {
    return Error{Code::corrupt,
                 fmt::format("the UBJSON document is damaged at byte {}: {}", all_.size() - left_.size(), what)}
        .hint("save the model again, and copy it as binary");
  }

  char take() {  // 0 at the end, which is no type
    if (left_.empty()) return 0;
    const char out = left_[0];
    left_.remove_prefix(1);
    return out;
  }
  bool next_is(char wanted) {
    if (left_.empty() || left_[0] != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }

  Result<void> counted() {
    if (++values_ <= limits::tree_values) return {};
    return Error{Code::too_large, fmt::format("the document has more than {} values", limits::tree_values)};
  }

  // Big-endian; the caller has checked that the bytes are there.
  template <class T>
  T number() {
    T out;
    char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = left_[sizeof(T) - 1 - i];
    std::memcpy(&out, bytes, sizeof(T));
    left_.remove_prefix(sizeof(T));
    return out;
  }
  static_assert(std::endian::native == std::endian::little);

  Json number_of(char type) {
    switch (type) {
      case 'i': return number<int8_t>();
      case 'U': return number<uint8_t>();
      case 'I': return number<int16_t>();
      case 'l': return number<int32_t>();
      case 'L': return number<int64_t>();
      case 'd': return number<float>();
      default: return number<double>();
    }
  }

  Result<size_t> count() {
    const char type = take();
    if (size_of(type) == 0 || type == 'd' || type == 'D') return broken("a length is no whole number");
    if (left_.size() < size_of(type)) return broken("it was cut short");
    const auto length = number_of(type).get<int64_t>();
    // Whatever is counted has a byte at least.
    if (length < 0 || static_cast<uint64_t>(length) > left_.size()) return broken("a length goes past the end");
    return static_cast<size_t>(length);
  }

  Result<void> text(std::string& out) {
    MILLRACE_TRY(const auto length, count());
    out = left_.substr(0, length);
    left_.remove_prefix(length);
    return {};
  }

  Result<void> value(char type, Json& out, size_t depth) {
    MILLRACE_DO(counted());
    if (const size_t size = size_of(type); size != 0) {
      if (left_.size() < size) return broken("it was cut short");
      out = number_of(type);
      return {};
    }
    switch (type) {
      case 'T': out = true; return {};
      case 'F': out = false; return {};
      case 'Z': out = nullptr; return {};
      case 'C': out = std::string(1, take()); return {};
      case 'S': {
        std::string read;
        MILLRACE_DO(text(read));
        out = std::move(read);
        return {};
      }
      case '{':
      case '[':
        if (depth == limits::tree_document_depth)
          return Error{Code::too_large, fmt::format("the document is nested more than {} deep", depth)};
        return type == '{' ? object(out, depth) : array(out, depth);
      default: return broken("there is no such type");
    }
  }

  Result<void> object(Json& out, size_t depth) {
    out = Json::object();
    if (next_is('$')) return broken("objects of one type are not read");
    if (next_is('#')) {
      MILLRACE_TRY(const auto length, count());
      for (size_t i = 0; i < length; ++i) MILLRACE_DO(member(out, depth));
      return {};
    }
    while (!next_is('}')) MILLRACE_DO(member(out, depth));
    return {};
  }

  Result<void> member(Json& out, size_t depth) {
    std::string key;
    MILLRACE_DO(text(key));
    if (out.contains(key)) return broken("a key stands twice in one object");
    return value(take(), out[key], depth + 1);
  }

  Result<void> array(Json& out, size_t depth) {
    out = Json::array();
    if (next_is('$')) return typed_array(out);
    if (next_is('#')) {
      MILLRACE_TRY(const auto length, count());
      for (size_t i = 0; i < length; ++i) MILLRACE_DO(value(take(), out.emplace_back(), depth + 1));
      return {};
    }
    while (!next_is(']')) MILLRACE_DO(value(take(), out.emplace_back(), depth + 1));
    return {};
  }

  Result<void> typed_array(Json& out) {
    const char type = take();
    if (size_of(type) == 0) return broken("an array of one type is not of numbers");
    if (!next_is('#')) return broken("an array of one type has no length");
    MILLRACE_TRY(const auto length, count());
    if (length > left_.size() / size_of(type)) return broken("an array goes past the end");
    auto& values = out.get_ref<Json::array_t&>();
    values.reserve(length);
    for (size_t i = 0; i < length; ++i) {
      MILLRACE_DO(counted());
      values.push_back(number_of(type));
    }
    return {};
  }

  std::string_view all_, left_;
  size_t values_ = 0;
};

}  // namespace

Result<Json> parse_ubj(std::string_view bytes) { return Reader(bytes).document(); }

}  // namespace millrace::serve::trees
