// Alerts as lists and tables name them: without their evidence and traces, which are large.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "store/database.h"

namespace millrace::monitor {

struct Headline {
  std::string id, deployment, kind, subject, arm;
  int64_t version = 0;
  std::string severity, state;
  double value = 0, limit = 0;
  Micros from = 0, to = 0;                               // the newest period in which the rule was broken
  Micros pending_at = 0, fired_at = 0, resolved_at = 0;  // event times; 0 = not yet
  std::string cause, cause_kind;                         // of its trace: a node and data, source, code ...; or ""

  bool is_open() const { return state != "resolved"; }
  Micros at() const { return fired_at != 0 ? fired_at : pending_at; }
  std::string title() const;  // "drift of temp", "AUC of version 2"
  std::string words() const;  // "drift of temp: 0.612, the limit is 0.5"
  Json to_json() const;       // {id, node, kind, subject, arm, version, severity, state, title, at, value, limit}
};

// "auc" -> "AUC"
std::string metric_words(std::string_view metric);
std::string title_of(std::string_view kind, const std::string& subject, int64_t version);

// Pages first, then those that fire, then the newest.
bool is_worse(const Headline& one, const Headline& other);

// Open ones of a deployment ("" = of all), worst first; at most limits::page_size.
Result<std::vector<Headline>> open_headlines(store::Session& session, const std::string& workspace,
                                             const std::string& deployment);

// A page of the table, newest first.
struct HeadlineFilter {
  std::string deployment, state, severity, subject, cause, kind;  // "" = any; state open = not resolved
  Micros from = 0, to = 0;                                        // began in it; 0 = no bound
};
// Every alert that the filter holds for, newest first, up to `most`.
Result<std::vector<Headline>> headlines(store::Session& session, const std::string& workspace,
                                        const HeadlineFilter& filter, int64_t most);

}  // namespace millrace::monitor
