// An alert told from what was seen to where it came from, in steps that each say one thing in plain words.
#pragma once
#include "data/datasets/datasets.h"
#include "lineage/graph.h"
#include "report/pages/sources.h"

namespace millrace::report {

// What the story needs to know beside the alert; found by story_page().
struct StoryFacts {
  Json alert;                      // as GET /alerts/{id} gives it
  std::vector<Json> versions;      // of the datasets that its cause names: {node, dataset, version, rows, ...}
  std::vector<Json> source_nodes;  // {id, attributes} of the files that these versions were made of
};

// {title, verdict, steps: [{kind: window | feature | column | dataset | source | code | release | verdict, title, text,
//  node, evidence}]}
// In this order, and only the steps that there is something to say of: window, feature, column, dataset, source (or
// code, release), verdict. Pure.
Json tell_story(const StoryFacts& facts);

// Of the alert `name` (as Alerts::get takes it).
Result<Json> story_page(const data::Datasets& datasets, const store::Database& database, const std::string& workspace,
                        const Json& alert);

}  // namespace millrace::report
