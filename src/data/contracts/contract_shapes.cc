#include "data/contracts/contract_shapes.h"

#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <re2/re2.h>

#include "data/contracts/contract_reader.h"

namespace millrace::data {
namespace {

// A shape lists its keys, separated by blanks: `key` (a plain value), `key:shape` (a map), `key[]shape` (a list of
// maps), `key[]` (a list of plain values); `=kind` says what a plain value is: text, integer, number, boolean, size (a
// whole number from 0), id (a stable id), ref (a reference to a column, or a list of them), map, any, or one of a/b/c;
// a trailing ! marks a required key.
struct Shape {
  std::string_view name;
  std::string_view keys;
};

constexpr Shape kShapes[] = {
    {"contract",
     "apiVersion=text! kind=text! id=text! name=text version=text! status=text! tenant=text tags[]=text domain=text "
     "dataProduct=text authoritativeDefinitions[]definition description:description servers[]server schema[]object! "
     "slaDefaultElement=text slaProperties[]sla roles[]role team:team support[]support price:price "
     "customProperties[]custom contractCreatedTs=text"},
    {"description",
     "purpose=text limitations=text usage=text authoritativeDefinitions[]definition customProperties[]custom"},
    {"definition", "id=id url=text! type=text! description=text"},
    {"custom", "id=id property=text! value=any! description=text"},
    {"object",
     "id=id name=text! logicalType=object/ physicalName=text physicalType=text description=text businessName=text "
     "dataGranularityDescription=text tags[]=text authoritativeDefinitions[]definition properties[]property "
     "relationships[]relationship quality[]quality customProperties[]custom"},
    {"property",
     "id=id name=text! physicalName=text businessName=text description=text "
     "logicalType=string/integer/number/boolean/date/timestamp/time/object/array physicalType=text "
     "logicalTypeOptions:options required=boolean unique=boolean primaryKey=boolean primaryKeyPosition=integer "
     "partitioned=boolean partitionKeyPosition=integer classification=text encryptedName=text "
     "criticalDataElement=boolean transformSourceObjects[]=text transformLogic=text transformDescription=text "
     "examples[]=any tags[]=text authoritativeDefinitions[]definition items:item properties[]property "
     "relationships[]relationship quality[]quality customProperties[]custom"},
    {"item",
     "id=id name=text physicalName=text businessName=text description=text "
     "logicalType=string/integer/number/boolean/date/timestamp/time/object/array physicalType=text "
     "logicalTypeOptions:options required=boolean unique=boolean primaryKey=boolean primaryKeyPosition=integer "
     "partitioned=boolean partitionKeyPosition=integer classification=text encryptedName=text "
     "criticalDataElement=boolean transformSourceObjects[]=text transformLogic=text transformDescription=text "
     "examples[]=any tags[]=text authoritativeDefinitions[]definition items:item properties[]property "
     "relationships[]relationship quality[]quality customProperties[]custom"},
    {"relationship", "type=text from=ref to=ref! customProperties[]custom"},
    {"quality",
     "id=id name=text description=text type=text metric=text rule=text arguments=map query=text engine=text "
     "implementation=any mustBe mustNotBe mustBeGreaterThan=number mustBeGreaterOrEqualTo=number mustBeLessThan=number "
     "mustBeLessOrEqualTo=number mustBeBetween[]=number mustNotBeBetween[]=number unit=text dimension=text "
     "method=text severity=text businessImpact=text tags[]=text authoritativeDefinitions[]definition scheduler=text "
     "schedule=text customProperties[]custom"},
    {"sla",
     "id=id property=text! value! valueExt unit=text element=text driver=text description=text scheduler=text "
     "schedule=text"},
    {"role",
     "id=id role=text! description=text access=text firstLevelApprovers=text secondLevelApprovers=text "
     "customProperties[]custom"},
    {"team",
     "id=id name=text description=text members[]member tags[]=text customProperties[]custom "
     "authoritativeDefinitions[]definition"},
    {"member",
     "id=id username=text! name=text description=text role=text dateIn=text dateOut=text replacedByUsername=text "
     "tags[]=text customProperties[]custom authoritativeDefinitions[]definition"},
    {"support",
     "id=id channel=text! url=text description=text tool=text scope=text invitationUrl=text customProperties[]custom"},
    {"price", "id=id priceAmount=number priceCurrency=text priceUnit=text"},
    {"options.string", "format=text minLength=size maxLength=size pattern=text"},
    {"options.integer",
     "format=i8/i16/i32/i64/i128/u8/u16/u32/u64/u128 minimum=number maximum=number exclusiveMinimum=number "
     "exclusiveMaximum=number multipleOf=number"},
    {"options.number",
     "format=f32/f64 minimum=number maximum=number exclusiveMinimum=number exclusiveMaximum=number multipleOf=number"},
    {"options.date", "format=text minimum=text maximum=text exclusiveMinimum=text exclusiveMaximum=text"},
    {"options.timestamp",
     "format=text minimum=text maximum=text exclusiveMinimum=text exclusiveMaximum=text timezone=boolean "
     "defaultTimezone=text"},
    {"options.time",
     "format=text minimum=text maximum=text exclusiveMinimum=text exclusiveMaximum=text timezone=boolean "
     "defaultTimezone=text"},
    {"options.boolean", ""},
    {"options.object", "minProperties=size maxProperties=size required[]=text"},
    {"options.array", "minItems=size maxItems=size uniqueItems=boolean"},
};

// Every server has these, and then what its type asks for.
constexpr std::string_view kServerKeys =
    "id=id server=text! type=text! description=text environment=text roles[]role customProperties[]custom ";
constexpr Shape kServers[] = {
    {"api", "location=text!"},
    {"athena", "stagingDir=text! schema=text! catalog=text regionName=text"},
    {"azure", "location=text! format=text! delimiter=text"},
    {"bigquery", "project=text! dataset=text!"},
    {"clickhouse", "host=text! port=integer! database=text!"},
    {"cloudsql", "host=text! port=integer! database=text! schema=text!"},
    {"custom",
     "account=text catalog=text database=text dataset=text delimiter=text endpointUrl=text format=text host=text "
     "location=text path=text port=integer project=text region=text regionName=text schema=text serviceName=text "
     "stagingDir=text warehouse=text stream=text"},
    {"databricks", "host=text catalog=text! schema=text!"},
    {"db2", "host=text! port=integer! database=text! schema=text"},
    {"denodo", "host=text! port=integer! database=text"},
    {"dremio", "host=text! port=integer! schema=text"},
    {"duckdb", "database=text! schema=text"},
    {"glue", "account=text! database=text! location=text format=text"},
    {"hive", "host=text! port=integer database=text!"},
    {"impala", "host=text! port=integer database=text!"},
    {"informix", "host=text! port=integer database=text!"},
    {"kafka", "host=text! format=text"},
    {"kinesis", "region=text format=text"},
    {"local", "path=text! format=text!"},
    {"mysql", "host=text! port=integer! database=text!"},
    {"oracle", "host=text! port=integer! serviceName=text!"},
    {"postgres", "host=text! port=integer! database=text! schema=text!"},
    {"postgresql", "host=text! port=integer! database=text! schema=text!"},
    {"presto", "host=text! catalog=text schema=text"},
    {"pubsub", "project=text!"},
    {"redshift", "host=text database=text! schema=text! region=text account=text"},
    {"s3", "location=text! endpointUrl=text format=text delimiter=text"},
    {"sftp", "location=text! format=text delimiter=text"},
    {"snowflake", "host=text port=integer account=text! database=text! schema=text! warehouse=text"},
    {"sqlserver", "host=text! port=integer database=text! schema=text!"},
    {"synapse", "host=text! port=integer! database=text!"},
    {"trino", "host=text! port=integer! catalog=text! schema=text!"},
    {"vertica", "host=text! port=integer! database=text! schema=text!"},
    {"zen", "host=text! port=integer database=text!"},
};

using Key = ContractKey;
using Keys = std::vector<Key>;

Key to_key(std::string_view word) {
  Key key;
  if (word.ends_with('!')) key.required = true, word.remove_suffix(1);
  if (const auto kind = word.find('='); kind != std::string_view::npos) {
    key.value = word.substr(kind + 1);
    word = word.substr(0, kind);
  }
  if (const auto list = word.find("[]"); list != std::string_view::npos) {
    key.form = Key::Form::list;
    key.shape = word.substr(list + 2);
    word = word.substr(0, list);
  } else if (const auto map = word.find(':'); map != std::string_view::npos) {
    key.form = Key::Form::map;
    key.shape = word.substr(map + 1);
    word = word.substr(0, map);
  }
  key.name = word;
  return key;
}

Keys to_keys(std::string_view words) {
  Keys keys;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (end > 0) keys.push_back(to_key(words.substr(0, end)));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return keys;
}

const std::map<std::string, Keys, std::less<>>& shapes() {
  static const auto all = [] {
    std::map<std::string, Keys, std::less<>> out;
    for (const auto& shape : kShapes) out.emplace(shape.name, to_keys(shape.keys));
    for (const auto& server : kServers)
      out.emplace(fmt::format("server.{}", server.name), to_keys(fmt::format("{}{}", kServerKeys, server.keys)));
    return out;
  }();
  return all;
}

Result<void> check_map(const Yaml& node, const std::string& shape_name);

Error wrong_kind(const Yaml& node, std::string_view key, std::string_view wanted) {
  return node.error(fmt::format("'{}' must be {}", key, wanted));
}

Result<void> check_choice(const Yaml& node, const Key& key) {
  std::vector<std::string> choices;
  std::string_view rest = key.value;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('/'), rest.size());
    choices.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  MILLRACE_TRY(const auto choice, one_of(node, key.name, choices));
  (void)choice;
  return {};
}

Result<void> check_reference(const Yaml& node, const Key& key) {
  static const re2::RE2 short_form(R"([A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*)");
  static const re2::RE2 path(
      R"((?:(?:https?:\/\/)?[A-Za-z0-9._\-\/]+\.yaml#)?\/?[A-Za-z_][A-Za-z0-9_]*\/[A-Za-z0-9_-]+(?:\/[A-Za-z_][A-Za-z0-9_]*\/[A-Za-z0-9_-]+)*)");
  if (node.is_list()) {
    if (node.items().empty()) return wrong_kind(node, key.name, "one column or more");
    for (const auto& item : node.items()) {
      if (item.is_list()) return wrong_kind(item, key.name, "a column or a list of columns");
      MILLRACE_DO(check_reference(item, key));
    }
    return {};
  }
  if (!node.is_scalar()) return wrong_kind(node, key.name, "a column or a list of columns");
  if (re2::RE2::FullMatch(node.text(), short_form) || re2::RE2::FullMatch(node.text(), path)) return {};
  return node.error(fmt::format("'{}' is no reference to a column", node.text()))
      .hint("write TABLE.COLUMN (letters, digits and '_') or /schema/TABLE/properties/COLUMN");
}

// Of the kind that the standard's schema asks for: the text '7' is no number, the number 7 no text.
Result<void> check_plain(const Yaml& node, const Key& key) {
  static const re2::RE2 stable_id("[A-Za-z0-9_-]+");
  if (key.value == "any") return {};
  if (key.value == "map")
    return node.is_map() ? Result<void>{} : wrong_kind(node, key.name, "a map of keys and values");
  if (key.value == "ref") return check_reference(node, key);
  if (key.value.empty())
    return node.is_scalar() || node.is_null() ? Result<void>{} : wrong_kind(node, key.name, "one plain value");
  if (!node.is_scalar()) return wrong_kind(node, key.name, "one plain value");
  const Json value = node.to_json();
  const bool whole =
      value.is_number_integer() || (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  if (key.value == "integer" && !whole) return wrong_kind(node, key.name, "a whole number").hint("without quotes");
  if (key.value == "number" && !value.is_number()) return wrong_kind(node, key.name, "a number").hint("without quotes");
  if (key.value == "boolean" && !value.is_boolean())
    return wrong_kind(node, key.name, "true or false").hint("without quotes");
  if (key.value == "size" && !(whole && value.get<double>() >= 0))
    return wrong_kind(node, key.name, "a whole number from 0 on").hint("without quotes");
  if (key.value == "integer" || key.value == "number" || key.value == "boolean" || key.value == "size") return {};
  if (!value.is_string())
    return wrong_kind(node, key.name, "a text").hint(fmt::format("put it into quotes: '{}'", node.text()));
  if (key.value == "id" && !re2::RE2::FullMatch(node.text(), stable_id))
    return node.error(fmt::format("'{}' is not an id", node.text())).hint("use letters, digits, '_' and '-'");
  return key.value.find('/') == std::string::npos ? Result<void>{} : check_choice(node, key);
}

Result<void> check_list(const Yaml& node, const Key& key) {
  if (!node.is_list()) return wrong_kind(node, key.name, "a list").hint(fmt::format("write {}: [...]", key.name));
  if (key.name == "required") {  // of an object: names, each once
    std::set<std::string> names;
    for (const auto& item : node.items())
      if (!names.insert(item.text()).second) return item.error(fmt::format("'{}' stands twice", item.text()));
    if (names.empty()) return node.error("'required' is empty").hint("leave it out");
  }
  for (const auto& item : node.items()) {
    if (key.shape.empty()) {
      MILLRACE_DO(check_plain(item, key));
      continue;
    }
    if (!item.is_map()) return wrong_kind(item, key.name, "a list of keys and values");
    MILLRACE_DO(check_map(item, key.shape));
  }
  return {};
}

Result<void> check_server(const Yaml& node) {
  MILLRACE_TRY(const Yaml* type, node.get("type"));
  if (shapes().contains("server." + type->text())) return check_map(node, "server." + type->text());
  std::vector<std::string> types;
  for (const auto& server : kServers) types.emplace_back(server.name);
  const auto near = did_you_mean(type->text(), types);
  return type->error(fmt::format("unknown type '{}' of a server", type->text()))
      .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("one of {}", fmt::join(types, ", ")));
}

// What stands below a property only if it is of that type.
Result<void> check_nesting(const Yaml& parent, const Yaml& node, const Key& key) {
  const std::string type = parent.string_or("logicalType", "");
  const std::string wanted = key.name == "items" ? "array" : "object";
  if (type.empty() || type == wanted) return {};
  return node.error(fmt::format("'{}' below a property of logicalType {}", key.name, type))
      .hint(fmt::format("only logicalType: {} has '{}'", wanted, key.name));
}

Result<void> check_value(const Yaml& parent, const Yaml& node, const Key& key) {
  if (key.name == "items" ||
      (key.name == "properties" && key.shape == "property" && parent.find("logicalType") != nullptr))
    MILLRACE_DO(check_nesting(parent, node, key));
  if (key.form == Key::Form::list) return check_list(node, key);
  if (key.form == Key::Form::any) return check_plain(node, key);
  // before v3.1 a team was the list of its members; the standard still accepts that form
  if (key.shape == "team" && node.is_list()) return check_list(node, to_key("team[]member"));
  if (!node.is_map()) return wrong_kind(node, key.name, "a map of keys and values");
  if (key.shape != "options") return check_map(node, key.shape);
  const std::string type = parent.string_or("logicalType", "");
  if (type.empty())
    return node.error("'logicalTypeOptions' need a 'logicalType'")
        .hint("add logicalType: string, integer, number, date ...");
  return check_map(node, "options." + type);
}

Result<void> check_map(const Yaml& node, const std::string& shape_name) {
  if (shape_name == "server") return check_server(node);
  const auto found = shapes().find(shape_name);
  if (found == shapes().end()) return {};  // an unknown logicalType is reported where types are read
  std::vector<std::string> names;
  for (const auto& key : found->second) names.push_back(key.name);
  for (const auto& [name, value] : node.entries()) {
    const auto key = std::find_if(found->second.begin(), found->second.end(),
                                  [&name = name](const Key& k) { return k.name == name; });
    if (key == found->second.end()) {
      const auto near = did_you_mean(name, names);
      return value.error(fmt::format("unknown key '{}'", name))
          .hint(near            ? fmt::format("did you mean '{}'?", *near)
                : names.empty() ? "no key is known here"
                                : fmt::format("known keys: {}", fmt::join(names, ", ")));
    }
    MILLRACE_DO(check_value(node, value, *key));
  }
  for (const auto& key : found->second)
    if (key.required && node.find(key.name) == nullptr)
      return node.error(fmt::format("'{}' is missing", key.name))
          .hint(fmt::format("ODCS v3.1.0 requires it in every {}", shape_name));
  return {};
}

}  // namespace

const std::vector<ContractKey>& contract_keys(std::string_view shape) {
  static const Keys none;
  const auto found = shapes().find(shape);
  return found == shapes().end() ? none : found->second;
}

Result<void> check_contract_keys(const Yaml& contract) {
  if (!contract.is_map()) return contract.error("a contract is a map of keys and values");
  return check_map(contract, "contract");
}

}  // namespace millrace::data
