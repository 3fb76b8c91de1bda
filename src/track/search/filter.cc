#include "track/search/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "track/names.h"
#include "track/search/filter_tokens.h"

namespace millrace::track {
namespace {

using Kind = TokenKind;

constexpr Attribute kRunAttributes[] = {{"run_id", "id", false, true},
                                        {"run_name", "name"},
                                        {"run name", "name"},
                                        {"Run name", "name"},
                                        {"Run Name", "name"},
                                        {"user_id", "user_id"},
                                        {"status", "status"},
                                        {"artifact_uri", "artifact_uri"},
                                        {"start_time", "start_time", true},
                                        {"created", "start_time", true},
                                        {"Created", "start_time", true},
                                        {"end_time", "end_time", true}};
constexpr Attribute kExperimentAttributes[] = {{"name", "name"},
                                               {"experiment_id", "id", false, true},
                                               {"creation_time", "creation_time", true},
                                               {"last_update_time", "last_update_time", true}};
constexpr Attribute kModelAttributes[] = {{"name", "name", false, true},
                                          {"model_id", "id", false, true},
                                          {"model_type", "model_type", false, true},
                                          {"status", "status", false, true},
                                          {"source_run_id", "source_run_id", false, true},
                                          {"creation_timestamp", "creation_time", true},
                                          {"creation_time", "creation_time", true},
                                          {"last_updated_timestamp", "last_update_time", true},
                                          {"last_updated_time", "last_update_time", true}};
constexpr Entity kRunEntities[] = {Entity::metric, Entity::param, Entity::tag, Entity::dataset};
constexpr Entity kExperimentEntities[] = {Entity::tag};
constexpr Entity kModelEntities[] = {Entity::metric, Entity::param, Entity::tag};

struct Prefix {
  std::string_view text;
  Entity entity;
};
constexpr Prefix kPrefixes[] = {{"metric", Entity::metric},
                                {"metrics", Entity::metric},
                                {"parameter", Entity::param},
                                {"parameters", Entity::param},
                                {"param", Entity::param},
                                {"params", Entity::param},
                                {"tag", Entity::tag},
                                {"tags", Entity::tag},
                                {"attribute", Entity::attribute},
                                {"attributes", Entity::attribute},
                                {"attr", Entity::attribute},
                                {"run", Entity::attribute},
                                {"dataset", Entity::dataset},
                                {"datasets", Entity::dataset}};

std::string_view name_of(Entity entity) {
  switch (entity) {
    case Entity::metric: return "metric";
    case Entity::param: return "parameter";
    case Entity::tag: return "tag";
    case Entity::dataset: return "dataset";
    case Entity::attribute: return "attribute";
  }
  return "";
}

struct Subject {
  Entity entity = Entity::attribute;
  std::string key;
  const Attribute* attribute = nullptr;
  bool numeric() const { return entity == Entity::metric || (attribute != nullptr && attribute->numeric); }
  bool takes_lists() const { return entity == Entity::dataset || (attribute != nullptr && attribute->takes_lists); }
};

Result<Subject> find_attribute(const std::string& key, const Grammar& grammar) {
  for (const auto& attribute : grammar.attributes)
    if (attribute.name == key) return Subject{Entity::attribute, std::string(attribute.column), &attribute};
  std::vector<std::string_view> names;
  for (const auto& attribute : grammar.attributes) names.push_back(attribute.name);
  return Error{Code::invalid,
               fmt::format("Invalid attribute key '{}' specified. Valid keys are '{}'", key, fmt::join(names, "', '"))};
}

Result<Subject> resolve(const std::string& identifier, const Grammar& grammar) {
  const auto dot = identifier.find('.');
  if (dot == std::string::npos) return find_attribute(identifier, grammar);
  const auto prefix = identifier.substr(0, dot);
  const auto key = identifier.substr(dot + 1);
  const auto* found =
      std::find_if(std::begin(kPrefixes), std::end(kPrefixes), [&](const auto& each) { return each.text == prefix; });
  const bool known = found != std::end(kPrefixes) &&
                     (found->entity == Entity::attribute || std::find(grammar.entities.begin(), grammar.entities.end(),
                                                                      found->entity) != grammar.entities.end());
  if (!known)
    return Error{Code::invalid, fmt::format("Invalid entity type '{}'. Valid entity types are metrics, params, tags, "
                                            "attributes and datasets, where they apply",
                                            prefix)};
  if (key.empty()) return Error{Code::invalid, fmt::format("Invalid identifier '{}': the key is missing", identifier)};
  if (found->entity == Entity::attribute) return find_attribute(key, grammar);
  if (found->entity == Entity::dataset && key != "name" && key != "digest" && key != "context")
    return Error{Code::invalid,
                 fmt::format("Invalid dataset key '{}' specified. Valid keys are 'name', 'digest', 'context'", key)};
  return Subject{found->entity, key, nullptr};
}

class Parser : FilterReader {
 public:
  Parser(std::string_view text, const Grammar& grammar) : FilterReader(text, Patterns::like), grammar_(grammar) {}
  Result<std::vector<Comparison>> parse() {
    return all<Comparison>([this] { return comparison(); });
  }

 private:
  Result<Comparison> comparison() {
    MILLRACE_TRY(const auto subject, resolve(token_.value, grammar_));
    advance();
    Comparison out{.entity = subject.entity, .key = subject.key, .numeric = subject.numeric()};
    const std::string_view written = token_.raw;
    MILLRACE_TRY(out.op, take_operator());
    MILLRACE_DO(check_operator(subject, out.op, written));
    if (out.op == Operator::is_null || out.op == Operator::is_not_null) return out;
    if (out.op == Operator::in || out.op == Operator::not_in) {
      MILLRACE_TRY(out.texts, take_list());
    } else if (subject.attribute != nullptr && subject.attribute->whole) {
      MILLRACE_TRY(out.number, whole_number(subject));
    } else if (out.numeric) {
      MILLRACE_TRY(out.number, number(subject));
    } else {
      MILLRACE_TRY(auto text, this->text(subject));
      out.texts.push_back(std::move(text));
    }
    return out;
  }

  static Result<void> check_operator(const Subject& subject, Operator op, std::string_view written) {
    bool fits = op == Operator::equal || op == Operator::unequal;
    const bool ordered = op == Operator::less || op == Operator::less_or_equal || op == Operator::greater ||
                         op == Operator::greater_or_equal;
    const bool pattern = op == Operator::like || op == Operator::ilike;
    const bool listed = op == Operator::in || op == Operator::not_in;
    const bool nullness = op == Operator::is_null || op == Operator::is_not_null;
    fits |= ordered && subject.numeric();
    fits |= pattern && !subject.numeric();
    fits |= listed && subject.takes_lists();
    fits |= nullness && (subject.entity == Entity::tag || subject.entity == Entity::param);
    if (fits) return {};
    return Error{Code::invalid,
                 fmt::format("Invalid comparator '{}' for {} '{}'", written, name_of(subject.entity), subject.key)}
        .hint(
            "numbers take = != < <= > >=; texts = != LIKE ILIKE; run_id and datasets also IN and NOT IN; params and "
            "tags also IS NULL and IS NOT NULL");
  }

  Result<double> number(const Subject& subject) {
    if (const auto number = take_number()) return *number;
    return Error{Code::invalid, subject.entity == Entity::metric
                                    ? fmt::format("Expected numeric value type for metric. Found {}", token_.raw)
                                    : fmt::format("Expected numeric value type for numeric attribute: {}. Found {}",
                                                  subject.key, token_.raw)};
  }

  Result<double> whole_number(const Subject& subject) {
    constexpr int64_t exact = int64_t{1} << 53;  // as far as doubles go one by one
    const auto* begin = token_.value.data() + (token_.value.starts_with('+') ? 1 : 0);
    const auto* end = token_.value.data() + token_.value.size();
    int64_t out = 0;
    const auto [rest, problem] = std::from_chars(begin, end, out);
    if ((token_.kind != Kind::number && !at_text()) || problem != std::errc() || rest != end || out > exact ||
        out < -exact)
      return Error{Code::invalid,
                   fmt::format("Invalid value for numeric attribute '{}': {}", subject.attribute->name, token_.raw)};
    advance();
    return static_cast<double>(out);
  }

  Result<std::string> text(const Subject& subject) {
    if (auto text = take_text()) return std::move(*text);
    const auto what = subject.entity == Entity::attribute ? "attributes"
                      : subject.entity == Entity::dataset ? "dataset attributes"
                                                          : name_of(subject.entity);
    return Error{Code::invalid, fmt::format("Expected a quoted string value for {} (e.g. 'my-value'). Got value {}",
                                            what, token_.raw)};
  }

  const Grammar& grammar_;
};

}  // namespace

const Grammar run_grammar{kRunAttributes, kRunEntities};
const Grammar experiment_grammar{kExperimentAttributes, kExperimentEntities};
const Grammar model_grammar{kModelAttributes, kModelEntities};

Result<std::vector<Comparison>> parse_filter(std::string_view text, const Grammar& grammar) {
  if (text.size() > bounds::filter_bytes)
    return Error{Code::invalid, fmt::format("a filter has at most {} bytes", bounds::filter_bytes)};
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) return std::vector<Comparison>{};
  return Parser(text, grammar).parse();
}

Result<Order> parse_order(std::string_view text, const Grammar& grammar) {
  const auto refuse = [&] {
    return Error{Code::invalid, fmt::format("Invalid order_by clause '{}'. Could not be parsed.", text)}.hint(
        "write KEY, KEY ASC or KEY DESC");
  };
  Lexer lexer(text.size() > bounds::filter_bytes ? std::string_view() : text);
  const Token key = lexer.next();
  if (key.kind != Kind::identifier) return refuse();
  MILLRACE_TRY(const auto subject, resolve(key.value, grammar));
  Order order{subject.entity, subject.key, true};
  if (order.entity == Entity::dataset)
    return Error{Code::invalid, fmt::format("Invalid order_by entity: {}", "dataset")};
  Token direction = lexer.next();
  if (direction.kind == Kind::end) return order;
  if (is_keyword(direction, "DESC"))
    order.ascending = false;
  else if (!is_keyword(direction, "ASC"))
    return refuse();
  return lexer.next().kind == Kind::end ? Result<Order>(order) : Result<Order>(refuse());
}

}  // namespace millrace::track
