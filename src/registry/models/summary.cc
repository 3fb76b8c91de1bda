#include "registry/models/summary.h"

#include <algorithm>

#include <fmt/format.h>

#include "registry/models/entries.h"
#include "registry/models/rows.h"

namespace millrace::registry {
namespace {

constexpr std::string_view kShown =
    "m.workspace = ? AND m.deleted_at = 0 AND (? = '' OR lower(m.name) LIKE lower(?) ESCAPE '!') AND NOT EXISTS "
    "(SELECT "
    "1 FROM model_tags t WHERE t.workspace = m.workspace AND t.model = m.name AND t.key = 'mlflow.prompt.is_prompt' "
    "AND "
    "lower(t.value) = 'true')";

std::string pattern_of(const std::string& q) {
  std::string out = "%";
  for (const char c : q) {
    if (c == '%' || c == '_' || c == '!') out.push_back('!');
    out.push_back(c);
  }
  return out + "%";
}

}  // namespace

Result<ModelSummaries> summarize_models(store::Session& session, const std::string& workspace, const std::string& q,
                                        int64_t from, int64_t count) {
  ModelSummaries out;
  store::Values values{workspace, q, pattern_of(q)};
  MILLRACE_TRY(const auto total,
               session.first(fmt::format("SELECT count(*) FROM registered_models m WHERE {}", kShown), values));
  out.total = total->integer(0);
  values.emplace_back(count);
  values.emplace_back(from);
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT m.name FROM registered_models m WHERE {} ORDER BY m.updated_at DESC, "
                                         "m.name LIMIT ? OFFSET ?",
                                         kShown),
                             values));
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.text(0));
  MILLRACE_TRY(auto models, load_registered(session, workspace, names));
  for (auto& model : models) {
    ModelSummary one{.model = std::move(model)};
    const auto& name = one.model.name;
    MILLRACE_TRY(const auto versions, session.first("SELECT count(*), coalesce(max(version), 0) FROM model_versions "
                                                    "WHERE workspace = ? AND model = ? AND deleted_at = 0",
                                                    {workspace, name}));
    one.versions = versions->integer(0);
    if (one.versions > 0) {
      MILLRACE_TRY(one.latest, find_entry(session, workspace, name, versions->integer(1)));
    }
    MILLRACE_TRY(const auto open,
                 session.first("SELECT count(*) FROM change_requests WHERE workspace = ? AND model = ? "
                               "AND state = 'open'",
                               {workspace, name}));
    one.open_requests = open->integer(0);
    out.models.push_back(std::move(one));
  }
  return out;
}

}  // namespace millrace::registry
