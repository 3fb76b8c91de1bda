// The search language of MLflow's clients, as a parser: comparisons joined by AND, nothing else. Pure; no input or
// output.
//   metrics.auc >= 0.7 AND params.`learning rate` = '0.1' AND tags.team LIKE 'fl%' AND attributes.run_id IN ('a', 'b')
// What is allowed of which entity is said by a Grammar; refusals use the words that clients' tests look for.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::track {

enum class Entity { attribute, metric, param, tag, dataset };

struct Attribute {
  std::string_view name;    // as written in a filter
  std::string_view column;  // what it stands for
  bool numeric = false;
  bool takes_lists = false;  // IN, NOT IN
  bool whole = false;        // numeric: whole numbers only, which may stand in quotes
};

struct Grammar {
  std::span<const Attribute> attributes;
  std::span<const Entity> entities;  // besides attributes
};

enum class Operator {
  equal,
  unequal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  like,
  ilike,
  rlike,  // of traces alone
  in,
  not_in,
  is_null,
  is_not_null
};

struct Comparison {
  Entity entity = Entity::attribute;
  std::string key;  // of an attribute: its column
  Operator op = Operator::equal;
  bool numeric = false;
  double number = 0;               // of a numeric comparison
  std::vector<std::string> texts;  // one, or the list of IN
};

struct Order {
  Entity entity = Entity::attribute;
  std::string key;
  bool ascending = true;
};

Result<std::vector<Comparison>> parse_filter(std::string_view text, const Grammar& grammar);
Result<Order> parse_order(std::string_view text, const Grammar& grammar);

extern const Grammar run_grammar, experiment_grammar, model_grammar;

}  // namespace millrace::track
