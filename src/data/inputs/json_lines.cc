#include "data/inputs/json_lines.h"

#include <simdjson.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <unordered_map>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::data {
namespace {

constexpr size_t kBlock = 4 << 20;
constexpr int64_t kExact = int64_t{1} << 53;  // whole numbers up to it are exact as floating point

enum Kind : unsigned { kWhole = 1, kBig = 2, kNumber = 4, kText = 8, kBoolean = 16, kNested = 32 };

unsigned kind_of(const simdjson::dom::element& value) {
  using Type = simdjson::dom::element_type;
  switch (value.type()) {
    case Type::INT64: {
      const int64_t whole = value.get_int64().value_unsafe();
      return whole > kExact || whole < -kExact ? kBig : kWhole;
    }
    case Type::UINT64: return kNested;  // beyond 64 bits with a sign: kept as it is written
    case Type::DOUBLE: return kNumber;
    case Type::STRING: return kText;
    case Type::BOOL: return kBoolean;
    case Type::NULL_VALUE: return 0;
    default: return kNested;
  }
}

std::string type_of(unsigned kinds) {
  if (kinds == 0 || kinds == kText) return "VARCHAR";
  if ((kinds & ~(kWhole | kBig)) == 0) return "BIGINT";
  if ((kinds & ~(kWhole | kNumber)) == 0) return "DOUBLE";
  return kinds == kBoolean ? "BOOLEAN" : "JSON";
}

class Scan {
 public:
  explicit Scan(std::string label) : label_(std::move(label)) {}

  // `room` bytes behind the line may be read (not used).
  Result<void> take(const char* line, size_t size, int64_t offset) {
    ++line_;
    while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == ' ' || line[size - 1] == '\t')) --size;
    if (size == 0) return {};
    simdjson::dom::element root;
    const auto failed = parser_.parse(line, size, false).get(root);
    if (failed != simdjson::SUCCESS)
      return bad(offset, fmt::format("the line is no JSON: {}", simdjson::error_message(failed)));
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS)
      return bad(offset, line[0] == '[' ? "the line is a JSON array, not an object" : "the line is no JSON object");
    ++rows_;
    size_t next = 0;
    for (const auto& field : object) {
      MILLRACE_TRY(const size_t at, index_of(field.key, next, offset));
      if (seen_[at] == rows_) return bad(offset, fmt::format("the key '{}' stands twice in the line", field.key));
      seen_[at] = rows_;
      kinds_[at] |= kind_of(field.value);
      next = at + 1;
    }
    return {};
  }

  std::vector<InputColumn> columns() const {
    std::vector<InputColumn> out;
    for (size_t i = 0; i < names_.size(); ++i) out.push_back({names_[i], type_of(kinds_[i])});
    return out;
  }

  Error bad(int64_t offset, std::string why) const {
    return Error{Code::invalid, fmt::format("{} (from byte {} on)", std::move(why), offset + 1)}
        .at({.file = label_, .line = static_cast<int>(line_)})
        .hint("JSON lines hold one object a line: {\"a\": 1, \"b\": \"x\"}");
  }
  int64_t lines() const { return line_; }

 private:
  // Lines mostly have the same keys in the same order.
  Result<size_t> index_of(std::string_view key, size_t guess, int64_t offset) {
    if (guess < names_.size() && names_[guess] == key) return guess;
    const auto found = index_.find(std::string(key));
    if (found != index_.end()) return found->second;
    if (names_.size() == limits::input_columns)
      return bad(offset, fmt::format("the file has more than {} keys", limits::input_columns));
    names_.emplace_back(key);
    kinds_.push_back(0);
    seen_.push_back(0);
    index_.emplace(key, names_.size() - 1);
    return names_.size() - 1;
  }

  std::string label_;
  simdjson::dom::parser parser_{limits::json_line_bytes + 1};
  std::vector<std::string> names_;
  std::vector<unsigned> kinds_;
  std::vector<int64_t> seen_;  // the last row that has the key
  std::unordered_map<std::string, size_t> index_;
  int64_t line_ = 0, rows_ = 0;
};

}  // namespace

Result<std::vector<InputColumn>> scan_json_lines(const std::string& path, const std::string& label) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return file_error("opening", label, errno);
  Scan scan(label);
  std::string block(kBlock + simdjson::SIMDJSON_PADDING, '\0');
  size_t kept = 0;
  int64_t before = 0;
  while (true) {
    if (block.size() - simdjson::SIMDJSON_PADDING == kept) {
      if (kept > limits::json_line_bytes)
        return scan.bad(before,
                        fmt::format("line {} is longer than {} bytes", scan.lines() + 1, limits::json_line_bytes));
      block.resize(2 * kept + simdjson::SIMDJSON_PADDING);
    }
    const size_t got = std::fread(block.data() + kept, 1, block.size() - simdjson::SIMDJSON_PADDING - kept, file.get());
    if (std::ferror(file.get()) != 0) return file_error("reading", label, EIO);
    const size_t have = kept + got;
    size_t at = 0;
    while (at < have) {
      const auto* end = static_cast<const char*>(std::memchr(block.data() + at, '\n', have - at));
      if (end == nullptr && got > 0) break;
      const size_t size = end == nullptr ? have - at : static_cast<size_t>(end - block.data()) - at;
      if (size > limits::json_line_bytes)
        return scan.bad(before + static_cast<int64_t>(at),
                        fmt::format("line {} is longer than {} bytes", scan.lines() + 1, limits::json_line_bytes));
      MILLRACE_DO(scan.take(block.data() + at, size, before + static_cast<int64_t>(at)));
      at += size + 1;
    }
    if (got == 0) return scan.columns();
    kept = have - std::min(at, have);
    std::memmove(block.data(), block.data() + at, kept);
    before += static_cast<int64_t>(at);
  }
}

}  // namespace millrace::data
