// Parts of the contract reader; for data/contract*.cc only.
#pragma once
#include "core/yaml.h"
#include "data/contracts/contract.h"

namespace millrace::data {

// A name out of a closed set: `invalid` with "did you mean" otherwise.
Result<std::string> one_of(const Yaml& node, std::string_view what, const std::vector<std::string>& known);
Result<LogicalType> read_logical_type(const Yaml& node);
// The custom property `onFail` of an element, or `inherit`.
Result<OnFail> read_on_fail(const Yaml& element);
Result<std::vector<Quality>> read_quality(const Yaml& element, bool of_property);
// Relationships of an object (`column` empty: `from` is needed) or of the named property.
Result<std::vector<Relationship>> read_relationships(const Yaml& element, const std::string& object,
                                                     const std::string& column);
Result<Property> read_property(const Yaml& node, const std::string& object);

}  // namespace millrace::data
