#include "api/mlflow/select.h"

#include <algorithm>
#include <cctype>

namespace millrace::api::mlflow {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// LIKE: % is any text, _ any one byte. Goes back to the last % only, so its time is at most text times pattern.
bool like(std::string_view text, std::string_view pattern, bool fold) {
  const auto same = [&](char a, char b) { return b == '_' || a == b || (fold && lower(a) == lower(b)); };
  size_t at = 0, in = 0, star = std::string_view::npos, marked = 0;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '%') {
      star = in++;
      marked = at;
    } else if (in < pattern.size() && same(text[at], pattern[in])) {
      ++at, ++in;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++marked;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', in) == std::string_view::npos;
}

}  // namespace

bool holds(const track::Comparison& it, const Cell& cell) {
  using track::Operator;
  const auto is = [&](const std::string& text) { return text == cell.text; };
  const auto listed = [&] { return std::any_of(it.texts.begin(), it.texts.end(), is); };
  switch (it.op) {
    case Operator::equal: return it.numeric ? cell.number == it.number : listed();
    case Operator::unequal: return it.numeric ? cell.number != it.number : !listed();
    case Operator::less: return cell.number < it.number;
    case Operator::less_or_equal: return cell.number <= it.number;
    case Operator::greater: return cell.number > it.number;
    case Operator::greater_or_equal: return cell.number >= it.number;
    case Operator::like: return like(cell.text, it.texts[0], false);
    case Operator::ilike: return like(cell.text, it.texts[0], true);
    case Operator::in: return listed();
    case Operator::not_in: return !listed();
    case Operator::is_null: return cell.text.empty();
    case Operator::is_not_null: return !cell.text.empty();
  }
  return false;
}

bool tag_holds(const track::Comparison& it, const std::vector<track::KeyValue>& tags) {
  const auto found = std::find_if(tags.begin(), tags.end(), [&](const auto& tag) { return tag.key == it.key; });
  const bool there = found != tags.end();
  if (it.op == track::Operator::is_null) return !there;
  if (it.op == track::Operator::is_not_null) return there;
  if (!there && it.key == "mlflow.prompt.is_prompt") return holds(it, {.text = "false"});
  return there && holds(it, {.text = found->value});
}

Asked Asked::of(Body& in, int64_t standard) {
  Asked out;
  out.filter = in.text_or("filter");
  out.order_by = in.texts("order_by");
  out.max_results = in.integer_or("max_results", standard);
  out.page_token = in.text_or("page_token");
  return out;
}

std::string Asked::question() const { return to_text(Json{{"filter", filter}, {"order_by", order_by}}); }

}  // namespace millrace::api::mlflow
