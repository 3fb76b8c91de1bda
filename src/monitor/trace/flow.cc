#include "monitor/trace/flow.h"

#include <algorithm>
#include <cctype>
#include <deque>

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

constexpr int kDepth = 400;  // of the parser's own answer; deeper parts are left out

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The last part of every column reference below: a.b.c is c.
void collect(const Json& node, std::set<std::string>& into, int depth = 0) {
  if (depth > kDepth) return;
  if (node.is_array()) {
    for (const auto& part : node) collect(part, into, depth + 1);
    return;
  }
  if (!node.is_object()) return;
  if (string_or(node, "class", "") == "COLUMN_REF")
    if (const auto* names = find(node, "column_names"); names != nullptr && names->is_array() && !names->empty())
      if (names->back().is_string()) into.insert(lower(names->back().get<std::string>()));
  for (const auto& [key, part] : node.items()) collect(part, into, depth + 1);
}

std::string name_of(const Json& expression) {
  if (const auto alias = string_or(expression, "alias", ""); !alias.empty()) return lower(alias);
  if (string_or(expression, "class", "") != "COLUMN_REF") return "";
  const auto* names = find(expression, "column_names");
  return names == nullptr || names->empty() || !names->back().is_string() ? ""
                                                                          : lower(names->back().get<std::string>());
}

const Json* select_list(const Json& node) {
  const auto* list = find(node, "select_list");
  return list != nullptr && list->is_array() ? list : nullptr;
}

}  // namespace

Result<ColumnFlow> ColumnFlow::parse(engine::Engine& session, const std::string& sql) {
  MILLRACE_TRY(const auto answer,
               session.query(fmt::format("SELECT CAST(json_serialize_sql({}) AS VARCHAR)", engine::quote_text(sql))));
  if (answer.rows() != 1) return Error{Code::internal, "the parser gave no answer"};
  const auto parsed = nlohmann::json::parse(answer.text(0, 0), nullptr, false);
  if (!parsed.is_object()) return Error{Code::internal, "the parser's answer is no JSON object"};
  if (const auto* error = find(parsed, "error"); error != nullptr && error->is_boolean() && error->get<bool>())
    return Error{Code::invalid, string_or(parsed, "error_message", "the SQL cannot be read")};
  ColumnFlow flow;
  flow.read(parsed, 0);
  return flow;
}

void ColumnFlow::read(const Json& node, int depth) {
  if (depth > kDepth) return;
  if (node.is_object()) {
    read_select(node);
    read_branches(node);
    read_aliases(node);
    for (const auto& [key, part] : node.items()) read(part, depth + 1);
  } else if (node.is_array()) {
    for (const auto& part : node) read(part, depth + 1);
  }
}

void ColumnFlow::read_select(const Json& select) {
  const auto* list = select_list(select);
  if (list == nullptr) return;
  for (const auto& expression : *list) {
    const auto name = name_of(expression);
    if (!name.empty()) collect(expression, from_[name]);
  }
}

// The first branch gives the names, the others fill them by position.
void ColumnFlow::read_branches(const Json& operation) {
  std::vector<const Json*> branches;
  for (const auto* side : {"left", "right"})
    if (const auto* branch = find(operation, side)) branches.push_back(branch);
  if (const auto* children = find(operation, "children"); children != nullptr && children->is_array())
    for (const auto& child : *children) branches.push_back(&child);
  const Json* names = nullptr;
  for (const auto* branch : branches) {
    const Json* at = branch;
    while (at != nullptr && select_list(*at) == nullptr) {
      const Json* inner = find(*at, "left");
      if (inner == nullptr)
        if (const auto* children = find(*at, "children");
            children != nullptr && children->is_array() && !children->empty())
          inner = &children->front();
      at = inner;
    }
    if (at == nullptr) continue;
    const auto* list = select_list(*at);
    if (names == nullptr) {
      names = list;
      continue;
    }
    for (size_t i = 0; i < std::min(names->size(), list->size()); ++i)
      if (const auto name = name_of((*names)[i]); !name.empty()) collect((*list)[i], from_[name]);
  }
}

// (VALUES (...)) k(kind, key): each name may be any of what stands inside.
void ColumnFlow::read_aliases(const Json& table) {
  const auto* names = find(table, "column_name_alias");
  if (names == nullptr || !names->is_array() || names->empty()) return;
  std::set<std::string> inside;
  collect(table, inside);
  for (const auto& name : *names)
    if (name.is_string()) from_[lower(name.get<std::string>())].insert(inside.begin(), inside.end());
}

std::vector<std::string> ColumnFlow::sources_of(const std::string& column) const {
  std::vector<std::string> out{lower(column)};
  std::set<std::string> known{out[0]};
  for (size_t i = 0; i < out.size(); ++i) {
    const auto found = from_.find(out[i]);
    if (found == from_.end()) continue;
    for (const auto& name : found->second)
      if (known.insert(name).second) out.push_back(name);
  }
  return out;
}

}  // namespace millrace::monitor
