// YAML with places: every node knows its line and column, so that every complaint about a project or contract can name
// them. Limits on size, depth and nodes hold while reading; aliases are refused (they are how small files become huge).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace millrace {

class Yaml {
 public:
  enum class Kind { null, scalar, list, map };

  Kind kind() const { return kind_; }
  bool is_map() const { return kind_ == Kind::map; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_scalar() const { return kind_ == Kind::scalar; }
  bool is_null() const { return kind_ == Kind::null; }
  bool quoted() const { return quoted_; }
  const Where& where() const { return where_; }  // field = path of keys from the root: "pipeline.stages.train.cmd"

  const std::string& text() const { return text_; }                                      // scalars only, else ""
  const std::vector<Yaml>& items() const { return items_; }                              // lists only, else empty
  const std::vector<std::pair<std::string, Yaml>>& entries() const { return entries_; }  // maps only, in file order

  const Yaml* find(std::string_view key) const;         // nullptr when absent or not a map
  Result<const Yaml*> get(std::string_view key) const;  // invalid when absent
  Result<std::string> string() const;                   // of this scalar
  Result<int64_t> integer() const;
  Result<double> number() const;
  Result<bool> boolean() const;
  Result<std::vector<std::string>> strings() const;  // a list of scalars, or one scalar
  Result<std::string> get_string(std::string_view key) const;
  std::string string_or(std::string_view key, std::string_view otherwise) const;
  // Unknown keys are errors with "did you mean".
  Result<void> only_keys(std::initializer_list<std::string_view> known) const;
  Error error(std::string message) const;  // invalid, at this node

  Json to_json() const;  // unquoted scalars become null, booleans, integers or numbers by the YAML 1.2 core schema

 private:
  friend struct YamlReader;
  Kind kind_ = Kind::null;
  bool quoted_ = false;
  Where where_;
  std::string text_;
  std::vector<Yaml> items_;
  std::vector<std::pair<std::string, Yaml>> entries_;
};

// One document; duplicate keys, tags of other languages and aliases are refused. `file` names it in errors.
Result<Yaml> parse_yaml(std::string_view text, const std::string& file);
Result<Yaml> load_yaml(const std::string& path);

// The known name nearest to `wrong` (edit distance at most a third of its length), if any.
std::optional<std::string> did_you_mean(std::string_view wrong, const std::vector<std::string>& known);

}  // namespace millrace
