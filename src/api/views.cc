#include "api/views.h"

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/limits.h"
#include "core/limits/ui_limits.h"

namespace millrace::api {
namespace {

constexpr std::string_view kColumns = "id, page, name, state, owner, shared, updated_at";

Result<View> to_view(const store::Row& row) {
  MILLRACE_TRY(auto state, parse_json(row.text(3), "saved view"));
  return View{.id = row.text(0),
              .page = row.text(1),
              .name = row.text(2),
              .state = std::move(state),
              .owner = row.text(4),
              .shared = row.integer(5) != 0,
              .updated_at = row.integer(6)};
}

Result<void> check(const Caller& caller, const View& view) {
  if (!is_name(view.page))
    return Error{Code::invalid, fmt::format("'{}' is no name of a page", view.page.substr(0, 80))}
        .at_field("page")
        .hint("e.g. runs");
  if (view.name.empty() || view.name.size() > limits::name_bytes)
    return Error{Code::invalid,
                 fmt::format("a view's name has from 1 to {} bytes, not {}", limits::name_bytes, view.name.size())}
        .at_field("name");
  if (!view.state.is_object()) return Error{Code::invalid, "'state' must be a JSON object"}.at_field("state");
  if (const auto size = to_text(view.state).size(); size > limits::view_state_bytes)
    return Error{Code::too_large,
                 fmt::format("the view's state has {} bytes, and at most {} are kept", size, limits::view_state_bytes)}
        .at_field("state");
  if (view.shared && !caller.has_role("writer"))
    return Error{Code::denied, fmt::format("'{}' has not the role 'writer' that sharing a view needs", caller.subject)}
        .at_field("shared")
        .hint("save it for yourself: shared: false");
  return {};
}

Error not_there(const std::string& id) {
  return Error{Code::not_found, fmt::format("there is no saved view '{}'", id.substr(0, 64))}.hint(
      "GET /api/millrace/v1/views lists them");
}

// The view, if the caller may change it.
Result<View> own(store::Session& session, const Caller& caller, const std::string& id) {
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT {} FROM views WHERE workspace = ? AND id = ?", kColumns),
                             {caller.workspace, id}));
  if (!row) return not_there(id);
  MILLRACE_TRY(auto view, to_view(*row));
  if (view.owner == caller.subject || caller.has_role("admin")) return view;
  if (!view.shared) return not_there(id);
  return Error{Code::denied, fmt::format("the view '{}' belongs to '{}'", view.name, view.owner)}.hint(
      "save it under a name of your own");
}

Result<void> check_name_is_free(store::Session& session, const Caller& caller, const View& view) {
  MILLRACE_TRY(const auto same, session.first("SELECT id FROM views WHERE workspace = ? AND page = ? AND owner = ? AND "
                                              "name = ? AND id <> ?",
                                              {caller.workspace, view.page, view.owner, view.name, view.id}));
  if (!same) return {};
  return Error{Code::conflict,
               fmt::format("'{}' has a view '{}' of the page '{}' already", view.owner, view.name, view.page)}
      .at_field("name")
      .hint("give it another name, or replace that one");
}

}  // namespace

Result<ViewPage> Views::list(const Caller& caller, const std::string& page, int64_t skip, int64_t limit) const {
  ViewPage out;
  std::string where = " WHERE workspace = ? AND (owner = ? OR shared = 1)";
  store::Values values{caller.workspace, caller.subject};
  if (!page.empty()) {
    where += " AND page = ?";
    values.emplace_back(page);
  }
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto count, session.first("SELECT count(*) FROM views" + where, values));
    out.total = count->integer(0);
    values.emplace_back(limit);
    values.emplace_back(skip);
    MILLRACE_TRY(
        const auto rows,
        session.query(fmt::format("SELECT {} FROM views{} ORDER BY page, name, id LIMIT ? OFFSET ?", kColumns, where),
                      values));
    for (const auto& row : rows) {
      MILLRACE_TRY(auto view, to_view(row));
      out.items.push_back(std::move(view));
    }
    return {};
  }));
  return out;
}

Result<View> Views::make(const Caller& caller, View view) {
  MILLRACE_DO(check(caller, view));
  view.id = context_.uuid();
  view.owner = caller.subject;
  view.updated_at = context_.now();
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_name_is_free(session, caller, view));
    MILLRACE_TRY(const auto count, session.first("SELECT count(*) FROM views WHERE workspace = ? AND owner = ?",
                                                 {caller.workspace, view.owner}));
    if (count->integer(0) >= static_cast<int64_t>(limits::views_of_owner))
      return Error{Code::too_large,
                   fmt::format("'{}' has {} saved views, which is the limit", view.owner, limits::views_of_owner)}
          .hint("delete some that are not needed");
    MILLRACE_TRY(const auto made,
                 session.execute("INSERT INTO views (workspace, id, page, name, state, owner, shared, "
                                 "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                 {caller.workspace, view.id, view.page, view.name, to_text(view.state), view.owner,
                                  int64_t{view.shared}, view.updated_at, view.updated_at}));
    (void)made;
    return lineage::Change{.kind = "view.saved",
                           .node = "view:" + view.id,
                           .body = {{"page", view.page}, {"name", view.name}, {"shared", view.shared}}};
  }));
  (void)sequence;
  return view;
}

Result<View> Views::replace(const Caller& caller, View view) {
  MILLRACE_DO(check(caller, view));
  view.updated_at = context_.now();
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto old, own(session, caller, view.id));
    view.owner = old.owner;
    MILLRACE_DO(check_name_is_free(session, caller, view));
    MILLRACE_TRY(const auto changed,
                 session.execute("UPDATE views SET page = ?, name = ?, state = ?, shared = ?, updated_at = ? WHERE "
                                 "workspace = ? AND id = ?",
                                 {view.page, view.name, to_text(view.state), int64_t{view.shared}, view.updated_at,
                                  caller.workspace, view.id}));
    (void)changed;
    return lineage::Change{.kind = "view.saved",
                           .node = "view:" + view.id,
                           .body = {{"page", view.page}, {"name", view.name}, {"shared", view.shared}}};
  }));
  (void)sequence;
  return view;
}

Result<void> Views::remove(const Caller& caller, const std::string& id) {
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto old, own(session, caller, id));
    MILLRACE_TRY(const auto gone,
                 session.execute("DELETE FROM views WHERE workspace = ? AND id = ?", {caller.workspace, id}));
    (void)gone;
    return lineage::Change{
        .kind = "view.deleted", .node = "view:" + id, .body = {{"page", old.page}, {"name", old.name}}};
  }));
  (void)sequence;
  return {};
}

}  // namespace millrace::api
