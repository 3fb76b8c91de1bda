#include "data/contract_shapes.h"

#include <map>

#include <fmt/format.h>

namespace millrace::data {
namespace {

// A shape lists its keys, separated by blanks: `key` (any value), `key:shape` (a map), `key[]shape` (a list of maps),
// `key[]` (a list of plain values); a trailing ! marks a required key.
struct Shape {
  std::string_view name;
  std::string_view keys;
};

constexpr Shape kShapes[] = {
    {"contract",
     "apiVersion! kind! id! name version! status! tenant tags[] domain dataProduct "
     "authoritativeDefinitions[]definition description:description servers[]server schema[]object! slaDefaultElement "
     "slaProperties[]sla roles[]role team:team support[]support price:price customProperties[]custom "
     "contractCreatedTs"},
    {"description", "purpose limitations usage authoritativeDefinitions[]definition customProperties[]custom"},
    {"definition", "id url! type! description"},
    {"custom", "id property! value! description"},
    {"object",
     "id name! logicalType physicalName physicalType description businessName dataGranularityDescription tags[] "
     "authoritativeDefinitions[]definition properties[]property relationships[]relationship quality[]quality "
     "customProperties[]custom"},
    {"property",
     "id name! physicalName businessName description logicalType physicalType logicalTypeOptions:options required "
     "unique primaryKey primaryKeyPosition partitioned partitionKeyPosition classification encryptedName "
     "criticalDataElement transformSourceObjects[] transformLogic transformDescription examples[] tags[] "
     "authoritativeDefinitions[]definition items:item properties[]property relationships[]relationship "
     "quality[]quality customProperties[]custom"},
    {"item",
     "id name physicalName businessName description logicalType physicalType logicalTypeOptions:options required "
     "unique primaryKey primaryKeyPosition partitioned partitionKeyPosition classification encryptedName "
     "criticalDataElement transformSourceObjects[] transformLogic transformDescription examples[] tags[] "
     "authoritativeDefinitions[]definition items:item properties[]property relationships[]relationship "
     "quality[]quality customProperties[]custom"},
    {"relationship", "type from to! customProperties[]custom"},
    {"quality",
     "id name description type metric rule arguments:any query engine implementation mustBe mustNotBe "
     "mustBeGreaterThan mustBeGreaterOrEqualTo mustBeLessThan mustBeLessOrEqualTo mustBeBetween[] mustNotBeBetween[] "
     "unit dimension method severity businessImpact tags[] authoritativeDefinitions[]definition scheduler schedule "
     "customProperties[]custom"},
    {"server",
     "id server! type! description environment roles[]role customProperties[]custom account catalog database dataset "
     "delimiter "
     "endpointUrl format host location path port project region regionName schema serviceName stagingDir stream "
     "warehouse"},
    {"sla", "id property! value! valueExt unit element driver description scheduler schedule"},
    {"role", "id role! description access firstLevelApprovers secondLevelApprovers customProperties[]custom"},
    {"team",
     "id name description members[]member tags[] customProperties[]custom authoritativeDefinitions[]definition"},
    {"member",
     "id username! name description role dateIn dateOut replacedByUsername tags[] customProperties[]custom "
     "authoritativeDefinitions[]definition"},
    {"support", "id channel! url description tool scope invitationUrl customProperties[]custom"},
    {"price", "id priceAmount priceCurrency priceUnit"},
    {"options.string", "format minLength maxLength pattern"},
    {"options.integer", "format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"},
    {"options.number", "format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"},
    {"options.date", "format minimum maximum exclusiveMinimum exclusiveMaximum"},
    {"options.timestamp", "format minimum maximum exclusiveMinimum exclusiveMaximum timezone defaultTimezone"},
    {"options.time", "format minimum maximum exclusiveMinimum exclusiveMaximum timezone defaultTimezone"},
    {"options.boolean", ""},
    {"options.object", "minProperties maxProperties required[]"},
    {"options.array", "minItems maxItems uniqueItems"},
};

using Key = ContractKey;
using Keys = std::vector<Key>;

Key to_key(std::string_view word) {
  Key key;
  if (word.ends_with('!')) key.required = true, word.remove_suffix(1);
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
    return out;
  }();
  return all;
}

Result<void> check_map(const Yaml& node, const std::string& shape_name);

Error wrong_kind(const Yaml& node, std::string_view key, std::string_view wanted) {
  return node.error(fmt::format("'{}' must be {}", key, wanted));
}

Result<void> check_list(const Yaml& node, const Key& key) {
  if (!node.is_list()) return wrong_kind(node, key.name, "a list").hint(fmt::format("write {}: [...]", key.name));
  for (const auto& item : node.items()) {
    if (key.shape.empty()) continue;
    if (!item.is_map()) return wrong_kind(item, key.name, "a list of keys and values");
    MILLRACE_DO(check_map(item, key.shape));
  }
  return {};
}

Result<void> check_value(const Yaml& parent, const Yaml& node, const Key& key) {
  if (key.form == Key::Form::list) return check_list(node, key);
  if (key.form == Key::Form::any) {
    if (key.name != "implementation" && key.name != "value" && key.name != "from" && key.name != "to" &&
        !node.is_scalar())
      return wrong_kind(node, key.name, "one plain value");
    return {};
  }
  if (key.shape == "any") return {};
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
