#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"
#include "lineage/journal_search.h"

namespace millrace::api::native {
namespace {

Json event_json(const lineage::Event& event) {
  return {{"sequence", event.sequence},
          {"recorded_at", to_iso(event.recorded_at)},
          {"event_time", to_iso(event.event_time)},
          {"subject", event.subject},
          {"via", event.via},
          {"request_id", event.request_id},
          {"kind", event.kind},
          {"node", event.node},
          {"before", event.before},
          {"after", event.after},
          {"why", event.why},
          {"body", event.body},
          {"hash", event.hash}};
}

Json events_json(const std::vector<lineage::Event>& events) {
  Json items = Json::array();
  for (const auto& event : events) items.push_back(event_json(event));
  return items;
}

Result<Json> audit(Services& s, const Request& in) {
  MILLRACE_TRY(const auto after, query_integer(in, "after", 0));
  MILLRACE_TRY(const auto events, s.journal.read_after(in.caller.workspace, after, limits::page_size));
  Json next = events.size() < limits::page_size ? Json() : Json(std::to_string(events.back().sequence));
  return Json{{"items", events_json(events)}, {"next", std::move(next)}};
}

Result<Json> verify(Services& s) {
  MILLRACE_TRY(const auto verdict, s.journal.verify());
  return Json{{"intact", verdict.intact},
              {"lines", verdict.lines},
              {"first_bad", verdict.first_bad},
              {"reason", verdict.reason},
              {"head", verdict.head}};
}

Result<Micros> time_in(const Request& in, std::string_view name) {
  const auto text = in.query_value(name).value_or("");
  if (text.empty()) return Micros{0};
  auto time = parse_time(text);
  if (!time) return std::move(time).error().at_field(std::string(name));
  if (*time <= 0)
    return Error{Code::invalid, fmt::format("'{}' is before the first line of any journal", name)}.at_field(
        std::string(name));
  return *time;
}

Result<Json> search(Services& s, const Request& in) {
  lineage::JournalFilter filter;
  MILLRACE_TRY(filter.limit, page_limit(in));
  MILLRACE_TRY(const auto cursor, page_cursor(in));
  MILLRACE_TRY(filter.text, query_text(in, "q", limits::search_text_bytes));
  MILLRACE_TRY(filter.kind, query_text(in, "kind", limits::name_bytes));
  MILLRACE_TRY(filter.subject, query_text(in, "subject", limits::name_bytes));
  MILLRACE_TRY(filter.node, query_text(in, "node", limits::path_bytes));
  MILLRACE_TRY(filter.from, time_in(in, "from"));
  MILLRACE_TRY(filter.to, time_in(in, "to"));
  if (filter.from != 0 && filter.to != 0 && filter.to <= filter.from)
    return Error{Code::invalid,
                 fmt::format("'to' ({}) is not after 'from' ({})", to_iso(filter.to), to_iso(filter.from))}
        .at_field("to");
  filter.before = cursor.number;
  MILLRACE_TRY(const auto page, lineage::search_journal(s.database, in.caller.workspace, filter));
  return Json{{"items", events_json(page.items)},
              {"next", page.next == 0 ? Json() : Json(std::to_string(page.next))},
              {"total", page.total},
              {"total_is_exact", page.exact}};
}

Result<Json> kinds(Services& s, const Request& in) {
  MILLRACE_TRY(const auto counts, lineage::count_journal(s.database, in.caller.workspace));
  const auto list = [](const auto& pairs, const char* name) {
    Json items = Json::array();
    for (const auto& [text, lines] : pairs) items.push_back({{name, text}, {"lines", lines}});
    return items;
  };
  return Json{{"kinds", list(counts.kinds, "kind")}, {"subjects", list(counts.subjects, "subject")}};
}

}  // namespace

Routes audit_routes(Services& s) {
  const std::string base = "/api/millrace/v1/audit";
  return {
      {"GET", base, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return audit(s, in); }); },
       "Lines of the audit chain after ?after=SEQUENCE."},
      {"GET", base + "/verify", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return verify(s); }); }, "Recompute the audit chain."},
      {"GET", base + "/search", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return search(s, in); }); },
       "Lines of the audit chain, newest first: ?q=&kind=&subject=&node=&from=&to=."},
      {"GET", base + "/kinds", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return kinds(s, in); }); },
       "Which kinds of lines there are, by whom, and how many."},
  };
}

}  // namespace millrace::api::native
