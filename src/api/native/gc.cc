#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

constexpr int64_t kMostSeconds = 100LL * 366 * 24 * 3'600;

Result<Micros> seconds_of(const Json& body, std::string_view name) {
  const auto* value = find(body, name);
  if (value == nullptr) return Micros{0};
  if (!value->is_number_integer() || value->get<double>() < 0 || value->get<double>() > kMostSeconds)
    return Error{Code::invalid, std::string("'") + std::string(name) + "' must be a number of seconds, 0 or more"}
        .at_field(std::string(name));
  return value->get<int64_t>() * 1'000'000;
}

Json to_json(const track::Swept& swept) {
  Json items = Json::array();
  for (const auto& item : swept.items) {
    Json out{{"kind", item.kind}, {"id", item.id}, {"kept_for", item.kept_for}};
    if (item.deleted_at != 0) out["deleted_at"] = to_iso(item.deleted_at);
    items.push_back(std::move(out));
  }
  return {{"items", std::move(items)},  {"uploads", swept.uploads},        {"leftovers", swept.leftovers},
          {"blobs", swept.blobs.count}, {"blob_bytes", swept.blobs.bytes}, {"more", swept.more}};
}

Result<Json> look(Services& s, const Request& in) {
  MILLRACE_TRY(const auto seconds, query_integer(in, "older_than_seconds", 0));
  if (seconds < 0 || seconds > kMostSeconds)
    return Error{Code::invalid, "'older_than_seconds' must be 0 or more"}.at_field("older_than_seconds");
  const auto files_only = in.query_value("files_only").value_or("") == "true";
  MILLRACE_TRY(const auto found,
               s.collector.look(in.caller, {.older_than = seconds * 1'000'000, .files_only = files_only}));
  return to_json(found);
}

Result<Json> sweep(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"older_than_seconds", "grace_seconds", "files_only"}));
  track::GcOrder order;
  MILLRACE_TRY(order.older_than, seconds_of(body, "older_than_seconds"));
  MILLRACE_TRY(order.grace, seconds_of(body, "grace_seconds"));
  if (const auto* only = find(body, "files_only")) {
    if (!only->is_boolean()) return Error{Code::invalid, "'files_only' must be true or false"}.at_field("files_only");
    order.files_only = only->get<bool>();
  }
  MILLRACE_TRY(const auto swept, s.collector.sweep(in.caller, order));
  return to_json(swept);
}

}  // namespace

Routes gc_routes(Services& s) {
  const std::string base = "/api/millrace/v1/gc";
  return {
      {"GET", base, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return look(s, in); }); },
       "What a collection of garbage would remove: deleted runs, models and experiments, expired uploads, files and "
       "blobs "
       "that belong to nothing."},
      {"POST", base, Permission::admin, kJsonBody, "gc.removed", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return sweep(s, in); }); },
       "Removes some of it for good; repeat while 'more' is true."},
  };
}

}  // namespace millrace::api::native
