// What the parts of inference share; for data/infer*.cc only.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "data/infer/infer.h"
#include "data/plan.h"
#include "data/profiles/profile.h"

namespace millrace::data::infer {

// Beyond it shapes of texts and quantiles are looked at in an even sample of the rows; what is proposed from a sample
// is checked on all rows.
inline constexpr int64_t sample_rows = 200'000;
inline constexpr double damaged_share = 0.01;  // so many values of a wrong form are taken for damage

// How sure one proposal is.
struct Belief {
  double confidence = 0;
  int64_t support = 0;  // rows
};

// The proposals for one column, and those for the whole object.
struct Proposals {
  Json options = Json::object();          // logicalTypeOptions
  Json keys = Json::object();             // required, unique, primaryKey ...
  Json quality = Json::array();           // rules
  std::map<std::string, Belief> beliefs;  // of `keys` and of ranges and lengths, by rule
};

// The batch as the parts see it. The plan is prepared: millrace_batch can be read.
struct Batch {
  engine::Engine& session;
  const Plan& plan;
  const Object& object;
  const Profile& profile;
  size_t files = 1;

  std::string value(const Property& property) const { return plan.value(property.name); }
  const ColumnProfile& of(const Property& property) const { return profile.columns.at(property.name); }
  std::string sampled() const;  // a condition that keeps about sample_rows rows, evenly
};

// The upper and lower end of Wilson's 95 % interval.
double at_most(int64_t hits, int64_t n);
double at_least(int64_t hits, int64_t n);
// Rounded so that people can read it: up or down at two significant digits.
double round_up(double share);
Json plain(double value);  // an integer where it is whole: 5, not 5.0

std::string_view severity_of(double confidence, bool of_batch);
// A rule with what is believed of it: severity and custom properties. `rule` has type, metric ... already.
Json with_belief(Json rule, const Belief& belief, bool of_batch);
Json custom_rule(std::string name, Json implementation, const Belief& belief, bool of_batch = true);
Json belief_properties(const std::map<std::string, Belief>& beliefs);

// The columns of the files with the most particular type that their values have (types.cc).
struct Typing {
  std::vector<Property> properties;
  std::map<std::string, Belief> beliefs;  // by column
};
Result<Typing> infer_types(engine::Engine& session, const std::vector<InputFile>& files);

Result<void> infer_values(const Batch& batch, std::map<std::string, Proposals>& columns);  // nulls, ranges (values.cc)
Result<void> infer_texts(const Batch& batch, std::map<std::string, Proposals>& columns);   // sets, patterns, lengths
Result<void> infer_keys(const Batch& batch, std::map<std::string, Proposals>& columns);
Result<void> infer_history(const Batch& batch, Proposals& object);  // volume and freshness, from three files on
Result<void> infer_references(const Batch& batch, const InferOptions& options, Proposals& object);

// The pattern that the shapes of a column's texts have in common, anchored; "" when they share none (shapes.cc). A
// shape has A, a and 9 for letters and digits and all else as it stands. `prefix` is what all texts begin with.
std::string pattern_of(const std::vector<std::pair<std::string, int64_t>>& shapes, const std::string& prefix);

}  // namespace millrace::data::infer
