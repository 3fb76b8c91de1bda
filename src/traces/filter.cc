#include "traces/filter.h"

#include <algorithm>

#include <fmt/format.h>

#include "traces/entities.h"
#include "track/search/filter_tokens.h"

namespace millrace::traces {
namespace {

using track::is_keyword;
using track::Lexer;
using track::Token;
using Kind = track::TokenKind;

struct Name {
  std::string_view written;
  Of of;
  std::string_view key;
  bool numeric = false;
};
constexpr Name kAttributes[] = {{"request_id", Of::attribute, "id"},
                                {"trace_id", Of::attribute, "id"},
                                {"timestamp", Of::attribute, "request_time", true},
                                {"timestamp_ms", Of::attribute, "request_time", true},
                                {"execution_time", Of::attribute, "duration", true},
                                {"execution_time_ms", Of::attribute, "duration", true},
                                {"end_time", Of::attribute, "end_time", true},
                                {"end_time_ms", Of::attribute, "end_time", true},
                                {"status", Of::attribute, "state"},
                                {"client_request_id", Of::attribute, "client_request_id"},
                                {"name", Of::tag, tag::name},
                                {"run_id", Of::metadata, metadata::source_run},
                                {"prompt", Of::prompt, ""},
                                {"text", Of::span, "content"}};

struct Prefix {
  std::string_view written;
  Of of;
};
constexpr Prefix kPrefixes[] = {{"tag", Of::tag},
                                {"tags", Of::tag},
                                {"attribute", Of::attribute},
                                {"attributes", Of::attribute},
                                {"trace", Of::attribute},
                                {"request_metadata", Of::metadata},
                                {"metadata", Of::metadata},
                                {"span", Of::span},
                                {"feedback", Of::feedback},
                                {"expectation", Of::expectation},
                                {"issue", Of::issue}};

struct Subject {
  Of of = Of::attribute;
  std::string key;
  bool numeric = false;
  bool named = false;  // name and run_id, which are a tag and metadata, take lists too
};

Result<Subject> find_attribute(const std::string& key) {
  for (const auto& each : kAttributes)
    if (each.written == key) return Subject{each.of, std::string(each.key), each.numeric, each.of != Of::attribute};
  if (key == "experiment_id") return Subject{Of::attribute, "experiment_id"};
  std::vector<std::string_view> names;
  for (const auto& each : kAttributes) names.push_back(each.written);
  return Error{Code::invalid,
               fmt::format("Invalid attribute key '{}' specified. Valid keys are '{}'", key, fmt::join(names, "', '"))};
}

Result<Subject> resolve(const std::string& identifier) {
  const auto dot = identifier.find('.');
  if (dot == std::string::npos) return find_attribute(identifier);
  const auto prefix = identifier.substr(0, dot);
  auto key = identifier.substr(dot + 1);
  const auto* found = std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                                   [&](const auto& each) { return each.written == prefix; });
  if (found == std::end(kPrefixes))
    return Error{Code::invalid,
                 fmt::format("Invalid entity type '{}'. Valid entity types are attributes, tags, metadata, span, "
                             "feedback, expectation and issue",
                             prefix)};
  if (key.empty()) return Error{Code::invalid, fmt::format("Invalid identifier '{}': the key is missing", identifier)};
  if (found->of == Of::attribute) return find_attribute(key);
  if (found->of == Of::issue && key != "id")
    return Error{Code::invalid, fmt::format("Invalid issue attribute '{}'. Supported attributes: id", key)};
  if (found->of != Of::span) return Subject{found->of, key};
  if (key == "name" || key == "type" || key == "status" || key == "content") return Subject{Of::span, key};
  if (!key.starts_with("attributes."))
    return Error{Code::invalid, fmt::format("Invalid span attribute '{}'. Supported attributes: name, status, type, "
                                            "attributes.<attribute_name>.",
                                            key)};
  key.erase(0, std::string_view("attributes.").size());
  if (key.empty()) return Error{Code::invalid, "Span attribute name cannot be empty after 'attributes.'"};
  return Subject{Of::span_attribute, key};
}

bool is_ordered(Op op) {
  return op == Op::less || op == Op::less_or_equal || op == Op::greater || op == Op::greater_or_equal;
}
bool is_pattern(Op op) { return op == Op::like || op == Op::ilike || op == Op::rlike; }

bool fits(const Subject& subject, Op op) {
  const bool same = op == Op::equal || op == Op::unequal;
  const bool listed = op == Op::in || op == Op::not_in;
  const bool nullness = op == Op::is_null || op == Op::is_not_null;
  switch (subject.of) {
    case Of::attribute: return subject.numeric ? same || is_ordered(op) : same || is_pattern(op) || listed;
    case Of::tag:
    case Of::metadata: return same || is_pattern(op) || nullness || (listed && subject.named);
    case Of::span: return subject.key == "content" ? is_pattern(op) : same || is_pattern(op) || listed;
    case Of::span_attribute: return same || is_pattern(op) || listed;
    case Of::feedback:
    case Of::expectation: return same || is_ordered(op) || is_pattern(op) || nullness;
    case Of::issue:
    case Of::prompt: return op == Op::equal;
  }
  return false;
}

class Parser : track::FilterReader {
 public:
  explicit Parser(std::string_view text) : FilterReader(text, Patterns::like_and_rlike) {}
  Result<std::vector<Condition>> parse() {
    return all<Condition>([this] { return condition(); });
  }

 private:
  Result<Condition> condition() {
    MILLRACE_TRY(const auto subject, resolve(token_.value));
    advance();
    Condition out{.of = subject.of, .key = subject.key};
    const std::string_view written = token_.raw;
    MILLRACE_TRY(out.op, take_operator());
    if (!fits(subject, out.op))
      return Error{Code::invalid, fmt::format("Invalid comparator '{}' for '{}'", written, subject.key)}.hint(
          "texts take = != LIKE ILIKE RLIKE, some also IN and NOT IN; numbers = != < <= > >=; tags, metadata and "
          "assessments also IS NULL and IS NOT NULL");
    const bool assessed = subject.of == Of::feedback || subject.of == Of::expectation;
    out.numeric = subject.numeric || (assessed && is_ordered(out.op));
    if (out.op == Op::is_null || out.op == Op::is_not_null) return out;
    if (out.op == Op::in || out.op == Op::not_in) {
      MILLRACE_TRY(out.texts, take_list());
    } else if (out.numeric) {
      const auto number = take_number();
      if (!number)
        return Error{Code::invalid,
                     fmt::format("Expected a numeric value for '{}'. Got value {}", subject.key, token_.raw)};
      out.number = *number;
    } else {
      MILLRACE_TRY(auto text, this->text(subject, out.op));
      out.texts.push_back(std::move(text));
    }
    return out;
  }

  Result<std::string> text(const Subject& subject, Op op) {
    if (is_pattern(op) && token_.value.size() > bounds::pattern_bytes)
      return Error{Code::invalid, fmt::format("a pattern has at most {} bytes", bounds::pattern_bytes)};
    if (auto text = take_text()) return std::move(*text);
    return Error{Code::invalid, fmt::format("Expected a quoted string value for {} (e.g. 'my-value'). Got value {}",
                                            subject.key, token_.raw)};
  }
};

}  // namespace

Result<std::vector<Condition>> parse_filter(std::string_view text) {
  if (text.size() > bounds::filter_bytes)
    return Error{Code::invalid, fmt::format("a filter has at most {} bytes", bounds::filter_bytes)};
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) return std::vector<Condition>{};
  return Parser(text).parse();
}

Result<Order> parse_order(std::string_view text) {
  const auto refuse = [&] {
    return Error{Code::invalid, fmt::format("Invalid order_by clause '{}'. Could not be parsed.", text.substr(0, 250))}
        .hint("write KEY, KEY ASC or KEY DESC");
  };
  Lexer lexer(text.size() > bounds::filter_bytes ? std::string_view() : text);
  const Token key = lexer.next();
  if (key.kind != Kind::identifier) return refuse();
  MILLRACE_TRY(const auto subject, resolve(key.value));
  if (subject.of != Of::attribute && subject.of != Of::tag && subject.of != Of::metadata)
    return Error{Code::invalid, fmt::format("Invalid order_by entity in '{}'", text.substr(0, 250))}.hint(
        "attributes, tags and metadata can be ordered by");
  Order order{subject.of, subject.key, true};
  const Token direction = lexer.next();
  if (direction.kind == Kind::end) return order;
  order.ascending = !is_keyword(direction, "DESC");
  if (order.ascending && !is_keyword(direction, "ASC")) return refuse();
  return lexer.next().kind == Kind::end ? Result<Order>(order) : Result<Order>(refuse());
}

}  // namespace millrace::traces
