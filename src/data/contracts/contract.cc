#include "data/contracts/contract.h"

#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/limits.h"
#include "data/contracts/contract_reader.h"
#include "data/contracts/contract_shapes.h"

namespace millrace::data {
namespace {

std::string lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// "table.column", "column" of the same object, or "/schema/object/properties/column".
Result<std::pair<std::string, std::string>> read_reference(const Yaml& node, const std::string& object) {
  MILLRACE_TRY(const auto text, node.string());
  if (text.starts_with("/schema/") || text.starts_with("schema/")) {
    const auto rest = text.substr(text.find("schema/") + 7);
    const auto slash = rest.find("/properties/");
    if (slash == std::string::npos)
      return node.error(fmt::format("'{}' names no column", text))
          .hint("write /schema/TABLE/properties/COLUMN or TABLE.COLUMN");
    return std::pair(rest.substr(0, slash), rest.substr(slash + 12));
  }
  const auto dot = text.rfind('.');
  if (dot == std::string::npos) return std::pair(object, text);
  if (dot == 0 || dot + 1 == text.size())
    return node.error(fmt::format("'{}' is not TABLE.COLUMN", text)).hint("write e.g. airports.faa");
  return std::pair(text.substr(0, dot), text.substr(dot + 1));
}

Result<Relationship> read_relationship(const Yaml& node, const std::string& object, const std::string& column) {
  Relationship out{.where = node.where()};
  if (const Yaml* type = node.find("type")) {
    MILLRACE_TRY(const auto kind, one_of(*type, "relationship type", {"foreignKey"}));
    (void)kind;
  }
  const Yaml* from = node.find("from");
  if (column.empty() && from == nullptr)
    return node.error("a relationship of an object needs 'from'")
        .hint("write from: TABLE.COLUMN, or move it to the property");
  if (!column.empty() && from != nullptr)
    return from->error("a relationship of a property starts at that property; 'from' is not allowed")
        .hint("remove 'from'");
  if (from == nullptr) out.columns = {column};
  if (from != nullptr && from->is_list() != node.find("to")->is_list())
    return node.error("'from' and 'to' are both one column or both lists");
  const auto each = [](const Yaml& value, const auto& take) -> Result<void> {
    if (!value.is_list()) return take(value);
    for (const auto& item : value.items()) MILLRACE_DO(take(item));
    return {};
  };
  if (from != nullptr)
    MILLRACE_DO(each(*from, [&](const Yaml& item) -> Result<void> {
      MILLRACE_TRY(const auto reference, read_reference(item, object));
      if (reference.first != object)
        return item.error(fmt::format("'{}' is not a column of '{}'", item.text(), object));
      out.columns.push_back(reference.second);
      return {};
    }));
  MILLRACE_DO(each(*node.find("to"), [&](const Yaml& item) -> Result<void> {
    MILLRACE_TRY(const auto reference, read_reference(item, object));
    if (!out.dataset.empty() && out.dataset != reference.first) return item.error("a relationship leads to one table");
    out.dataset = reference.first;
    out.reference_columns.push_back(reference.second);
    return {};
  }));
  if (out.columns.size() != out.reference_columns.size())
    return node.error(fmt::format("{} columns lead to {}", out.columns.size(), out.reference_columns.size()))
        .hint("'from' and 'to' name equally many");
  return out;
}

Result<void> check_names(const Object& object) {
  std::set<std::string> names, sources;
  for (const auto& property : object.properties) {
    if (!names.insert(lower(property.name)).second || !sources.insert(lower(property.source_name)).second)
      return Error{Code::invalid, fmt::format("two properties of '{}' are named '{}'", object.name, property.name)}
          .at(property.where)
          .hint("SQL ignores case in names; rename one of them");
  }
  const auto known = [&](const std::string& column, const Where& where) -> Result<void> {
    if (object.find(column) != nullptr) return {};
    std::vector<std::string> all;
    for (const auto& property : object.properties) all.push_back(property.name);
    const auto near = did_you_mean(column, all);
    return Error{Code::invalid, fmt::format("'{}' has no property '{}'", object.name, column)}.at(where).hint(
        near ? fmt::format("did you mean '{}'?", *near) : fmt::format("it has {}", fmt::join(all, ", ")));
  };
  const auto columns_of = [](const Json& map, const char* key) -> std::vector<std::string> {
    std::vector<std::string> out;
    const Json* found = find(map, key);
    if (found == nullptr) return out;
    if (found->is_string()) out.push_back(found->get<std::string>());
    if (found->is_array())
      for (const auto& item : *found) out.push_back(item.is_string() ? item.get<std::string>() : to_text(item));
    return out;
  };
  for (const auto& relationship : object.relationships)
    for (const auto& column : relationship.columns) MILLRACE_DO(known(column, relationship.where));
  for (const auto& rule : object.quality) {
    for (const auto& column : columns_of(rule.arguments, "properties")) MILLRACE_DO(known(column, rule.where));
    if (rule.engine != "millrace") continue;
    for (const char* key : {"column", "columns", "by", "within"})
      for (const auto& column : columns_of(rule.implementation, key)) MILLRACE_DO(known(column, rule.where));
  }
  return {};
}

Result<Object> read_object(const Yaml& node) {
  Object object{.where = node.where()};
  MILLRACE_TRY(object.name, node.get_string("name"));
  if (object.name.empty()) return node.error("an object needs a name");
  MILLRACE_TRY(object.on_fail, read_on_fail(node));
  if (const Yaml* properties = node.find("properties"))
    for (const auto& item : properties->items()) {
      MILLRACE_TRY(auto property, read_property(item, object.name));
      object.properties.push_back(std::move(property));
    }
  MILLRACE_TRY(object.relationships, read_relationships(node, object.name, ""));
  MILLRACE_TRY(object.quality, read_quality(node, false));
  MILLRACE_DO(check_names(object));
  return object;
}

Result<void> check_version(const Yaml& root, Contract& contract) {
  MILLRACE_TRY(contract.api_version, root.get_string("apiVersion"));
  if (contract.api_version != "v3.1.0")
    return root.find("apiVersion")
        ->error(fmt::format("apiVersion '{}' is not known", contract.api_version))
        .hint("Millrace reads ODCS v3.1.0: write apiVersion: v3.1.0");
  MILLRACE_TRY(const auto kind, root.get_string("kind"));
  if (kind != "DataContract")
    return root.find("kind")->error(fmt::format("kind '{}' is not a contract", kind)).hint("write kind: DataContract");
  return {};
}

}  // namespace

Result<std::vector<Relationship>> read_relationships(const Yaml& element, const std::string& object,
                                                     const std::string& column) {
  std::vector<Relationship> out;
  if (const Yaml* list = element.find("relationships"))
    for (const auto& item : list->items()) {
      MILLRACE_TRY(auto relationship, read_relationship(item, object, column));
      out.push_back(std::move(relationship));
    }
  return out;
}

const Property* Object::find(std::string_view property) const {
  const auto found =
      std::find_if(properties.begin(), properties.end(), [&](const Property& p) { return p.name == property; });
  return found == properties.end() ? nullptr : &*found;
}

std::vector<std::string> Object::primary_key() const {
  std::vector<const Property*> parts;
  for (const auto& property : properties)
    if (property.primary_key) parts.push_back(&property);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto* a, const auto* b) { return a->primary_key_position < b->primary_key_position; });
  std::vector<std::string> out;
  for (const auto* part : parts) out.push_back(part->name);
  return out;
}

Result<const Object*> Contract::object(std::string_view object_name) const {
  if (object_name.empty() && objects.size() == 1) return &objects[0];
  std::vector<std::string> names;
  for (const auto& object : objects) {
    if (object.name == object_name) return &object;
    names.push_back(object.name);
  }
  return Error{object_name.empty() ? Code::invalid : Code::not_found,
               object_name.empty() ? "the contract has more than one object; say which"
                                   : fmt::format("the contract has no object '{}'", object_name)}
      .at({.file = file})
      .hint(fmt::format("it has {}", fmt::join(names, ", ")));
}

Result<Contract> parse_contract(std::string_view text, const std::string& path) {
  auto root = parse_yaml(text, path);
  if (!root) return std::move(root.error().while_doing("reading the contract"));
  const auto read = [&]() -> Result<Contract> {
    Contract contract{.file = path};
    if (root->is_map() && root->find("apiVersion") != nullptr) MILLRACE_DO(check_version(*root, contract));
    MILLRACE_DO(check_contract_keys(*root));
    MILLRACE_DO(check_version(*root, contract));
    MILLRACE_TRY(contract.id, root->get_string("id"));
    MILLRACE_TRY(contract.version, root->get_string("version"));
    MILLRACE_TRY(contract.status, root->get_string("status"));
    contract.name = root->string_or("name", contract.id);
    MILLRACE_TRY(contract.on_fail, read_on_fail(*root));
    std::set<std::string> names;
    for (const auto& item : root->find("schema")->items()) {
      MILLRACE_TRY(auto object, read_object(item));
      if (!names.insert(object.name).second) return item.error(fmt::format("two objects are named '{}'", object.name));
      contract.objects.push_back(std::move(object));
    }
    if (contract.objects.empty())
      return root->find("schema")
          ->error("the contract describes no object")
          .hint("add one: schema: [{name: TABLE, properties: [...]}]");
    contract.document = root->to_json();
    contract.digest = digest_of(to_text(contract.document));
    return contract;
  };
  auto contract = read();
  if (!contract) return std::move(contract.error().while_doing("reading the contract"));
  return contract;
}

Result<Contract> load_contract(const std::string& path) {
  auto text = read_file(path, limits::yaml_bytes);
  if (!text) return std::move(text.error().while_doing("reading the contract"));
  return parse_contract(*text, path);
}

}  // namespace millrace::data
