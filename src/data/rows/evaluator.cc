#include "data/rows/evaluator.h"

#include <cmath>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "data/rows/compare.h"
#include "data/rows/text_value.h"

namespace millrace::data {
namespace {

using Node = std::unique_ptr<const RowExpression>;
using Nodes = std::vector<Node>;

bool is_number(LogicalType type) { return type == LogicalType::integer || type == LogicalType::number; }
bool is_moment(LogicalType type) { return type == LogicalType::date || type == LogicalType::timestamp; }

Cell cell_of(Truth truth) { return truth == Truth::unknown ? Cell{} : Cell::of_boolean(truth == Truth::yes); }

class Column final : public RowExpression {
 public:
  Column(LogicalType type, size_t index) : RowExpression(type), index_(index) {}
  Cell of(Row row, bool&) const override { return row[index_].is_missing() ? Cell{} : row[index_]; }

 private:
  size_t index_;
};

class Constant final : public RowExpression {
 public:
  Constant(LogicalType type, std::string text, Cell cell) : RowExpression(type), text_(std::move(text)), cell_(cell) {
    if (cell_.kind == Cell::Kind::text) cell_.text = text_;
  }
  Cell of(Row, bool&) const override { return cell_; }

 private:
  std::string text_;
  Cell cell_;
};

// What computes one value of one or several others.
class Call : public RowExpression {
 public:
  Call(LogicalType type, Nodes items) : RowExpression(type), items_(std::move(items)) {}

 protected:
  Cell item(size_t i, Row row, bool& failed) const { return items_[i]->of(row, failed); }
  size_t size() const { return items_.size(); }

 private:
  Nodes items_;
};

// Defines a call whose answer a function gives: a class a call would hide what they have in common.
template <class Answer>
class CallOf final : public Call {
 public:
  CallOf(LogicalType type, Nodes items, Answer answer) : Call(type, std::move(items)), answer_(std::move(answer)) {}
  Cell of(Row row, bool& failed) const override {
    return answer_([&](size_t i) { return item(i, row, failed); }, size(), failed);
  }

 private:
  Answer answer_;
};

template <class Answer>
Node call(LogicalType type, Nodes items, Answer answer) {
  return std::make_unique<CallOf<Answer>>(type, std::move(items), std::move(answer));
}

Node to_number(Node node) {
  if (node->type() != LogicalType::integer) return node;
  Nodes one;
  one.push_back(std::move(node));
  return call(LogicalType::number, std::move(one), [](const auto& item, size_t, bool&) {
    const Cell cell = item(0);
    return cell.kind == Cell::Kind::integer ? Cell::of(static_cast<double>(cell.integer)) : cell;
  });
}

Cell add_up(char sign, int64_t a, int64_t b, bool& failed) {
  int64_t out = 0;
  if (sign == '%') {
    if (b == 0) return {};  // as DuckDB has it
    return Cell::of(b == -1 ? 0 : a % b);
  }
  failed |= sign == '+'   ? __builtin_add_overflow(a, b, &out)
            : sign == '-' ? __builtin_sub_overflow(a, b, &out)
                          : __builtin_mul_overflow(a, b, &out);
  return Cell::of(out);
}

double add_up(char sign, double a, double b) {
  if (sign == '+') return a + b;
  if (sign == '-') return a - b;
  if (sign == '*') return a * b;
  return sign == '/' ? a / b : std::fmod(a, b);
}

// How an operator's answer follows from the order of its operands.
template <class Holds>
Node comparison(Nodes items, Holds holds) {
  return call(LogicalType::boolean, std::move(items), [holds](const auto& item, size_t, bool&) {
    const Cell a = item(0), b = item(1);
    return a.is_missing() || b.is_missing() ? Cell{} : Cell::of_boolean(holds(compare_cells(a, b)));
  });
}

Truth is_in(const Cell& value, const Cell& one) {
  if (value.is_missing() || one.is_missing()) return Truth::unknown;
  return compare_cells(value, one) == 0 ? Truth::yes : Truth::no;
}

class Compiler {
 public:
  Compiler(const Object& object, const Rule& rule) : object_(object), rule_(rule) {}

  Result<Node> compile(const Term& term) const {
    if (term.kind == Term::Kind::column)
      return Node(std::make_unique<Column>(term.type,
                                           static_cast<size_t>(object_.find(term.name) - object_.properties.data())));
    if (term.kind == Term::Kind::constant) return constant(term, term.type);
    Nodes items;
    for (const auto& item : term.items) {
      MILLRACE_TRY(auto node, compile(item));
      items.push_back(std::move(node));
    }
    return call_of(term, std::move(items));
  }

  Error refuse(Code code, std::string why) const {
    return Error{code, std::move(why)}
        .at(rule_.where)
        .hint("compare values of one kind, or check the batch with --engine duckdb")
        .while_doing(fmt::format("compiling the rule {} for row", rule_.id));
  }

 private:
  Result<Node> constant(const Term& term, LogicalType type) const {
    if (term.type == LogicalType::any) return Node(std::make_unique<Constant>(term.type, "", Cell{}));
    Property as{.name = "a constant"};
    as.type = type;
    MILLRACE_TRY(const auto reader, TextValue::make(as));
    const auto cell = reader.read(term.text);
    if (cell.kind == Cell::Kind::wrong)
      return refuse(Code::invalid, fmt::format("'{}' is no {}", term.text, name_of(type)));
    return Node(std::make_unique<Constant>(type, term.text, cell));
  }

  // Operands that are compared, or of which one is chosen: of one kind, integers beside other numbers as those. Answers
  // the kind.
  Result<LogicalType> unify(const Term& term, Nodes& items) const {
    LogicalType kind = LogicalType::any;
    bool real = false;  // numbers that are not only decimals, which are compared exactly
    std::vector<size_t> texts;
    for (size_t i = 0; i < items.size(); ++i) {
      const Term& item = term.items[i];
      const auto type = items[i]->type();
      real = real || (type == LogicalType::number && !item.decimal);
      if (type == LogicalType::any && item.kind != Term::Kind::column) continue;  // NULL
      if (type == LogicalType::any || type == LogicalType::object || type == LogicalType::array)
        return refuse(Code::unsupported,
                      fmt::format("'{}' has no logicalType that says how its values are compared", item.name));
      if (type == LogicalType::string && item.kind == Term::Kind::constant)
        texts.push_back(i);
      else if (kind == LogicalType::any || kind == type || (is_number(kind) && type == LogicalType::number) ||
               (is_moment(kind) && type == LogicalType::timestamp))
        kind = type;
      else if (!(is_number(kind) && is_number(type)) && !(is_moment(kind) && is_moment(type)))
        return refuse(Code::invalid, fmt::format("{} and {} cannot be compared", name_of(kind), name_of(type)));
    }
    // A text in quotes beside a date is one.
    for (const size_t i : texts) {
      if (kind == LogicalType::any) kind = LogicalType::string;
      if (kind == LogicalType::string) continue;
      if (!is_moment(kind) && kind != LogicalType::time)
        return refuse(Code::invalid, fmt::format("{} and '{}' cannot be compared", name_of(kind), term.items[i].text));
      const bool is_date = kind == LogicalType::date && term.items[i].text.size() <= 10;
      MILLRACE_TRY(items[i], constant(term.items[i], kind == LogicalType::time ? kind
                                                     : is_date                 ? LogicalType::date
                                                                               : LogicalType::timestamp));
    }
    if (kind == LogicalType::number && real)
      for (auto& item : items) item = to_number(std::move(item));
    return kind;
  }

  Result<void> want(const Nodes& items, std::initializer_list<LogicalType> types, const std::string& what) const {
    for (const auto& item : items) {
      const auto type = item->type();
      if (type == LogicalType::any || std::find(types.begin(), types.end(), type) != types.end()) continue;
      return refuse(Code::invalid, fmt::format("{} is not for {}", what, name_of(type)));
    }
    return {};
  }

  Result<Node> call_of(const Term& term, Nodes items) const {
    const auto& name = term.name;
    const auto boolean = LogicalType::boolean;
    if (name == "IS NULL" || name == "IS NOT NULL")
      return call(boolean, std::move(items), [wanted = name == "IS NULL"](const auto& item, size_t, bool&) {
        return Cell::of_boolean(item(0).is_missing() == wanted);
      });
    if (name == "AND" || name == "OR" || name == "NOT") return logic(name, std::move(items));
    if (name == "CASE") return choose_case(term, std::move(items));
    if (name.size() == 1 && std::string_view("+-*/%").find(name[0]) != std::string_view::npos)
      return arithmetic(name[0], std::move(items));
    if (name == "abs" || name == "floor") return of_number(name, std::move(items));
    if (name == "length" || name == "starts_with" || name == "ends_with" || name == "contains")
      return of_text(name, std::move(items));
    if (name == "lower" || name == "upper")
      return refuse(Code::unsupported, fmt::format("{}() needs the tables of Unicode, which only SQL has", name));
    return compare_all(term, std::move(items));
  }

  Result<Node> logic(const std::string& name, Nodes items) const {
    MILLRACE_DO(want(items, {LogicalType::boolean}, name));
    if (name == "NOT")
      return call(LogicalType::boolean, std::move(items), [](const auto& item, size_t, bool&) {
        const Cell cell = item(0);
        return cell.is_missing() ? cell : Cell::of_boolean(!cell.boolean);
      });
    const Truth ends = name == "OR" ? Truth::yes : Truth::no;
    return call(LogicalType::boolean, std::move(items), [ends](const auto& item, size_t count, bool&) {
      bool unknown = false;
      for (size_t i = 0; i < count; ++i) {
        const auto truth = truth_of(item(i));
        if (truth == ends) return cell_of(ends);
        unknown = unknown || truth == Truth::unknown;
      }
      return unknown ? Cell{} : Cell::of_boolean(ends == Truth::no);
    });
  }

  // Pairs of a condition and a value, then what stands otherwise.
  Result<Node> choose_case(const Term& term, Nodes items) const {
    Nodes conditions, values;
    Term chosen{.kind = Term::Kind::call, .name = "CASE"};
    const size_t pairs = items.size() / 2;
    for (size_t i = 0; i < items.size(); ++i) {
      const bool is_condition = i < 2 * pairs && i % 2 == 0;
      if (!is_condition) chosen.items.push_back(term.items[i]);
      (is_condition ? conditions : values).push_back(std::move(items[i]));
    }
    MILLRACE_DO(want(conditions, {LogicalType::boolean}, "CASE WHEN"));
    MILLRACE_TRY(const auto type, unify(chosen, values));
    for (auto& value : values) conditions.push_back(std::move(value));
    return call(type, std::move(conditions), [pairs](const auto& item, size_t count, bool&) {
      for (size_t i = 0; i < pairs; ++i)
        if (truth_of(item(i)) == Truth::yes) return item(pairs + i);
      return count > 2 * pairs ? item(2 * pairs) : Cell{};
    });
  }

  Result<Node> arithmetic(char sign, Nodes items) const {
    MILLRACE_DO(want(items, {LogicalType::integer, LogicalType::number}, std::string(1, sign)));
    if (items.size() == 1) {
      if (sign == '+') return std::move(items[0]);
      items.insert(items.begin(), std::make_unique<Constant>(LogicalType::integer, "0", Cell::of(int64_t{0})));
      if (items[1]->type() == LogicalType::number)
        return call(LogicalType::number, std::move(items), [](const auto& item, size_t, bool&) {
          const Cell cell = item(1);
          return cell.is_missing() ? cell : Cell::of(-cell.number);
        });
    }
    const bool whole = sign != '/' && std::none_of(items.begin(), items.end(), [](const Node& node) {
                         return node->type() == LogicalType::number;
                       });
    if (whole)
      return call(LogicalType::integer, std::move(items), [sign](const auto& item, size_t, bool& failed) {
        const Cell a = item(0), b = item(1);
        return a.is_missing() || b.is_missing() ? Cell{} : add_up(sign, a.integer, b.integer, failed);
      });
    for (auto& item : items) item = to_number(std::move(item));
    return call(LogicalType::number, std::move(items), [sign](const auto& item, size_t, bool&) {
      const Cell a = item(0), b = item(1);
      return a.is_missing() || b.is_missing() ? Cell{} : Cell::of(add_up(sign, a.number, b.number));
    });
  }

  Result<Node> of_number(const std::string& name, Nodes items) const {
    MILLRACE_DO(want(items, {LogicalType::integer, LogicalType::number}, name));
    if (name == "floor") {
      items[0] = to_number(std::move(items[0]));
      return call(LogicalType::number, std::move(items), [](const auto& item, size_t, bool&) {
        const Cell cell = item(0);
        return cell.is_missing() ? cell : Cell::of(std::floor(cell.number));
      });
    }
    const auto type = items[0]->type();
    return call(type, std::move(items), [](const auto& item, size_t, bool& failed) {
      const Cell cell = item(0);
      if (cell.kind == Cell::Kind::number) return Cell::of(std::fabs(cell.number));
      if (cell.kind != Cell::Kind::integer) return cell;
      failed |= cell.integer == std::numeric_limits<int64_t>::min();
      return Cell::of(cell.integer < 0 && !failed ? -cell.integer : cell.integer);
    });
  }

  Result<Node> of_text(const std::string& name, Nodes items) const {
    MILLRACE_DO(want(items, {LogicalType::string}, name));
    if (name == "length")
      return call(LogicalType::integer, std::move(items), [](const auto& item, size_t, bool&) {
        const Cell cell = item(0);
        return cell.is_missing() ? cell : Cell::of(static_cast<int64_t>(count_characters(cell.text)));
      });
    using Holds = bool (*)(std::string_view, std::string_view);
    Holds holds = [](std::string_view a, std::string_view b) { return a.find(b) != std::string_view::npos; };
    if (name == "starts_with") holds = [](std::string_view a, std::string_view b) { return a.starts_with(b); };
    if (name == "ends_with") holds = [](std::string_view a, std::string_view b) { return a.ends_with(b); };
    return call(LogicalType::boolean, std::move(items), [holds](const auto& item, size_t, bool&) {
      const Cell a = item(0), b = item(1);
      return a.is_missing() || b.is_missing() ? Cell{} : Cell::of_boolean(holds(a.text, b.text));
    });
  }

  Result<Node> compare_all(const Term& term, Nodes items) const {
    const auto& name = term.name;
    const auto boolean = LogicalType::boolean;
    MILLRACE_TRY(const auto type, unify(term, items));
    if (name == "=") return comparison(std::move(items), [](int order) { return order == 0; });
    if (name == "<>") return comparison(std::move(items), [](int order) { return order != 0; });
    if (name == "<") return comparison(std::move(items), [](int order) { return order < 0; });
    if (name == ">") return comparison(std::move(items), [](int order) { return order > 0; });
    if (name == "<=") return comparison(std::move(items), [](int order) { return order <= 0; });
    if (name == ">=") return comparison(std::move(items), [](int order) { return order >= 0; });
    if (name == "<=>" || name == "not <=>")
      return call(boolean, std::move(items), [wanted = name == "<=>"](const auto& item, size_t, bool&) {
        const Cell a = item(0), b = item(1);
        const bool same =
            a.is_missing() || b.is_missing() ? a.is_missing() == b.is_missing() : compare_cells(a, b) == 0;
        return Cell::of_boolean(same == wanted);
      });
    if (name == "IN" || name == "NOT IN")
      return call(boolean, std::move(items), [wanted = name == "IN"](const auto& item, size_t count, bool&) {
        const Cell value = item(0);
        bool unknown = false;
        for (size_t i = 1; i < count; ++i) {
          const auto truth = is_in(value, item(i));
          if (truth == Truth::yes) return Cell::of_boolean(wanted);
          unknown = unknown || truth == Truth::unknown;
        }
        return unknown ? Cell{} : Cell::of_boolean(!wanted);
      });
    if (name == "BETWEEN")
      return call(boolean, std::move(items), [](const auto& item, size_t, bool&) {
        const Cell value = item(0), low = item(1), high = item(2);
        if (value.is_missing()) return Cell{};
        if (!low.is_missing() && compare_cells(value, low) < 0) return Cell::of_boolean(false);
        if (!high.is_missing() && compare_cells(value, high) > 0) return Cell::of_boolean(false);
        return low.is_missing() || high.is_missing() ? Cell{} : Cell::of_boolean(true);
      });
    if (name == "nullif")
      return call(type, std::move(items), [](const auto& item, size_t, bool&) {
        const Cell value = item(0);
        return is_in(value, item(1)) == Truth::yes ? Cell{} : value;
      });
    if (name == "coalesce")
      return call(type, std::move(items), [](const auto& item, size_t count, bool&) {
        Cell value;
        for (size_t i = 0; i < count && value.is_missing(); ++i) value = item(i);
        return value;
      });
    return refuse(Code::unsupported, fmt::format("'{}' is not computed row by row", name));
  }

  const Object& object_;
  const Rule& rule_;
};

}  // namespace

Result<std::unique_ptr<const RowExpression>> compile_condition(const Term& term, const Object& object,
                                                               const Rule& rule) {
  const Compiler compiler(object, rule);
  MILLRACE_TRY(auto node, compiler.compile(term));
  if (node->type() == LogicalType::boolean || node->type() == LogicalType::any) return node;
  return compiler.refuse(Code::invalid, fmt::format("the expression is {}, not a condition", name_of(node->type())));
}

}  // namespace millrace::data
