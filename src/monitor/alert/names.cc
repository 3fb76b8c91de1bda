#include "monitor/alert/names.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

constexpr std::string_view kPrefix = "alert-";
constexpr size_t kShortest = kPrefix.size() + 8;
constexpr size_t kNamed = 5;  // candidates that an error lists

using Ids = std::vector<std::string>;

Result<Ids> ids_of(store::Session& session, std::string_view where, const store::Values& values) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT id FROM alerts WHERE {} LIMIT 6", where), values));
  Ids out;
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

Error unknown(const std::string& name) {
  return Error{Code::not_found, fmt::format("there is no alert '{}'", name.substr(0, 100))}.at_field("id").hint(
      "millrace alert list shows the ids; a unique prefix or KIND:SUBJECT will do");
}

Error ambiguous(const std::string& name, const Ids& ids) {
  return Error{Code::invalid, fmt::format("'{}' names {} alerts", name.substr(0, 100),
                                          ids.size() > kNamed ? "many" : fmt::format("{}", ids.size()))}
      .at_field("id")
      .hint(fmt::format("give one of {}{}", fmt::join(ids.begin(), ids.begin() + std::min(kNamed, ids.size()), ", "),
                        ids.size() > kNamed ? " ..." : ""));
}

Result<StoredAlert> by_subject(store::Session& session, const std::string& workspace, const std::string& name) {
  const auto colon = name.find(':');
  const store::Values key{workspace, name.substr(0, colon), name.substr(colon + 1)};
  MILLRACE_TRY(const auto open,
               ids_of(session, "workspace = ? AND kind = ? AND subject = ? AND state <> 'resolved' ORDER BY id", key));
  if (open.size() > 1) return ambiguous(name, open);
  if (open.size() == 1) return get_alert(session, workspace, open.front());
  MILLRACE_TRY(const auto past, ids_of(session, "workspace = ? AND kind = ? AND subject = ? ORDER BY id DESC", key));
  if (past.empty()) return unknown(name);
  return get_alert(session, workspace, past.front());
}

}  // namespace

Result<StoredAlert> find_named(store::Session& session, const std::string& workspace, const std::string& name) {
  std::string id = name.starts_with("alert:") ? name.substr(6) : name;
  if (id.find(':') != std::string::npos) return by_subject(session, workspace, id);
  if (!id.starts_with(kPrefix)) id = std::string(kPrefix) + id;
  if (id.size() == kPrefix.size()) return unknown(name);
  MILLRACE_TRY(auto exact, find_alert(session, workspace, id));
  if (exact) return std::move(*exact);
  MILLRACE_TRY(const auto found,
               ids_of(session, "workspace = ? AND id >= ? AND id < ? ORDER BY id", {workspace, id, id + "~"}));
  if (found.empty()) return unknown(name);
  if (found.size() > 1) return ambiguous(name, found);
  return get_alert(session, workspace, found.front());
}

std::string short_id(const std::string& id, const std::vector<std::string>& ids) {
  const auto shared = [&](const std::string& other) {
    const auto differ = std::mismatch(id.begin(), id.end(), other.begin(), other.end());
    return static_cast<size_t>(differ.first - id.begin());
  };
  size_t needed = kShortest;
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at != ids.begin()) needed = std::max(needed, shared(*std::prev(at)) + 1);
  if (at != ids.end() && std::next(at) != ids.end()) needed = std::max(needed, shared(*std::next(at)) + 1);
  return id.substr(0, needed);
}

}  // namespace millrace::monitor
