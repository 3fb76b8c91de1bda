#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Json view_json(const View& view) {
  return {{"id", view.id},
          {"page", view.page},
          {"name", view.name},
          {"state", view.state},
          {"owner", view.owner},
          {"shared", view.shared},
          {"updated_at", to_iso(view.updated_at)}};
}

Result<View> view_in(const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"page", "name", "state", "shared"}));
  View view;
  MILLRACE_TRY(view.page, get_string(body, "page"));
  MILLRACE_TRY(view.name, get_string(body, "name"));
  const auto* state = find(body, "state");
  if (state == nullptr) return Error{Code::invalid, "'state' is missing"}.at_field("state");
  view.state = *state;
  if (const auto* shared = find(body, "shared"); shared != nullptr) {
    if (!shared->is_boolean()) return Error{Code::invalid, "'shared' must be true or false"}.at_field("shared");
    view.shared = shared->get<bool>();
  }
  return view;
}

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto limit, page_limit(in));
  MILLRACE_TRY(const auto cursor, page_cursor(in));
  MILLRACE_TRY(const auto page, query_text(in, "page", limits::name_bytes));
  MILLRACE_TRY(const auto found, s.ui.views.list(in.caller, page, cursor.number, limit));
  Json items = Json::array();
  for (const auto& view : found.items) items.push_back(view_json(view));
  const auto seen = cursor.number + static_cast<int64_t>(found.items.size());
  Json next = seen < found.total && !found.items.empty() ? Json(std::to_string(seen)) : Json();
  return Json{{"items", std::move(items)}, {"next", std::move(next)}, {"total", found.total}};
}

Result<Json> make(Services& s, const Request& in) {
  MILLRACE_TRY(auto view, view_in(in));
  MILLRACE_TRY(const auto made, s.ui.views.make(in.caller, std::move(view)));
  return view_json(made);
}

Result<Json> replace(Services& s, const Request& in) {
  MILLRACE_TRY(auto view, view_in(in));
  view.id = in.arg("id");
  MILLRACE_TRY(const auto made, s.ui.views.replace(in.caller, std::move(view)));
  return view_json(made);
}

Result<Json> remove(Services& s, const Request& in) {
  MILLRACE_DO(s.ui.views.remove(in.caller, in.arg("id")));
  return Json{{"id", in.arg("id")}, {"state", "deleted"}};
}

}  // namespace

// A reader saves views of his own; what they may hold is checked by the service.
Routes view_routes(Services& s) {
  const std::string base = "/api/millrace/v1/views";
  return {
      {"GET", base, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in); }); },
       "Saved views of the UI: the caller's own and shared ones, ?page=NAME."},
      {"POST", base, Permission::read, kJsonBody, "view.saved", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return make(s, in); }, 201);
       },
       "Save a view of a page under a name; sharing it needs a writer."},
      {"PUT", base + "/{id}", Permission::read, kJsonBody, "view.saved", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return replace(s, in); }); }, "Replace a saved view of one's own."},
      {"DELETE", base + "/{id}", Permission::read, kNoBody, "view.deleted", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return remove(s, in); }); }, "Delete a saved view of one's own."},
  };
}

}  // namespace millrace::api::native
