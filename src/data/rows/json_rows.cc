#include "data/rows/json_rows.h"

#include <simdjson.h>

#include <algorithm>

#include <fmt/format.h>

namespace millrace::data {
namespace {

static_assert(TextBuffer::kPadding >= simdjson::SIMDJSON_PADDING);
constexpr size_t kUnknown = 100, kKeyBytes = 200;

Cell cell_of(const simdjson::dom::element& value, std::string& nested) {
  using Type = simdjson::dom::element_type;
  switch (value.type()) {
    case Type::INT64: return Cell::of(value.get_int64().value_unsafe());
    case Type::UINT64: {  // beyond a signed integer; its digits are kept to be shown
      nested = std::to_string(value.get_uint64().value_unsafe());
      Cell cell = Cell::of(static_cast<double>(value.get_uint64().value_unsafe()));
      cell.text = nested;
      return cell;
    }
    case Type::DOUBLE: return Cell::of(value.get_double().value_unsafe());
    case Type::STRING: return Cell::of(value.get_string().value_unsafe());
    case Type::BOOL: return Cell::of_boolean(value.get_bool().value_unsafe());
    case Type::NULL_VALUE: return {};
    default: break;
  }
  nested = simdjson::minify(value);
  Cell cell;
  cell.kind = Cell::Kind::other, cell.text = nested;
  return cell;
}

}  // namespace

struct JsonRows::Parser {
  simdjson::dom::parser parser{limits::row_record_bytes + 1};
};

JsonRows::JsonRows(TextBuffer& text, std::vector<std::string> names)
    : text_(text),
      names_(std::move(names)),
      parser_(std::make_unique<Parser>()),
      cells_(names_.size()),
      seen_(names_.size()),
      nested_(names_.size()) {}

JsonRows::~JsonRows() = default;

Error JsonRows::bad(std::string why) const {
  return Error{Code::invalid, std::move(why)}
      .at({.file = text_.label(), .line = static_cast<int>(line_)})
      .hint("JSON lines hold one object a line: {\"a\": 1, \"b\": \"x\"}");
}

// Without its line end; the bytes stay until the next one is asked for.
Result<bool> JsonRows::next_line(std::string_view& line) {
  text_.use(used_);
  used_ = 0;
  ++line_;
  size_t looked = 0;
  while (true) {
    const auto rest = text_.rest();
    const auto end = rest.find('\n', looked);
    if (end == std::string_view::npos && !text_.ended()) {
      looked = rest.size();
      MILLRACE_DO(text_.fill(line_));
      continue;
    }
    if (end == std::string_view::npos && rest.empty()) return false;
    line = rest.substr(0, end);
    used_ = line.size() + (end == std::string_view::npos ? 0 : 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    return true;
  }
}

// Lines mostly have the same keys in the same order.
size_t JsonRows::index_of(std::string_view key, size_t guess) {
  if (guess < names_.size() && names_[guess] == key) return guess;
  const auto found = std::find(names_.begin(), names_.end(), key);
  if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
  key = key.substr(0, kKeyBytes);
  if (unknown_.size() < kUnknown && std::find(unknown_.begin(), unknown_.end(), key) == unknown_.end())
    unknown_.emplace_back(key);
  return names_.size();
}

Result<bool> JsonRows::next(Row& row) {
  std::string_view line;
  do {
    MILLRACE_TRY(const bool any, next_line(line));
    if (!any) return false;
  } while (line.empty());
  if (line.size() > limits::row_record_bytes)
    return Error{Code::too_large, fmt::format("the line is longer than {} bytes", limits::row_record_bytes)}.at(
        {.file = text_.label(), .line = static_cast<int>(line_)});
  simdjson::dom::element root;
  if (const auto failed = parser_->parser.parse(line.data(), line.size(), false).get(root); failed != simdjson::SUCCESS)
    return bad(fmt::format("the line is no JSON: {}", simdjson::error_message(failed)));
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    return bad(line[0] == '[' ? "the line is a JSON array, not an object" : "the line is no JSON object");
  ++rows_;
  std::fill(cells_.begin(), cells_.end(), Cell{});
  size_t next = 0;
  for (const auto& field : object) {
    const size_t at = index_of(field.key, next);
    if (at == names_.size()) continue;
    if (seen_[at] == rows_) return bad(fmt::format("the key '{}' stands twice in the line", field.key));
    seen_[at] = rows_;
    cells_[at] = cell_of(field.value, nested_[at]);
    next = at + 1;
  }
  row = cells_;
  return true;
}

}  // namespace millrace::data
