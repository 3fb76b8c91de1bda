#include <charconv>

#include <fmt/format.h>

#include "api/native/known.h"
#include "monitor/feedback.h"
#include "monitor/look_job.h"

namespace millrace::api::native {
namespace {

constexpr int64_t kPage = 100;  // windows; each holds its histograms

Result<Json> feedback(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"deployment", "items"}));
  MILLRACE_TRY(const auto deployment, get_string(body, "deployment"));
  const auto* items = find(body, "items");
  if (items == nullptr || !items->is_array())
    return Error{Code::invalid, "items is a list of labels"}.at_field("items");
  if (items->size() > limits::feedback_items)
    return Error{Code::too_large, "more than 10,000 labels in one call"}.at_field("items").hint(
        "send them in several calls; sending some twice does no harm");
  std::vector<monitor::Label> labels;
  for (size_t i = 0; i < items->size(); ++i) {
    MILLRACE_TRY(auto label, monitor::read_label((*items)[i], i));
    labels.push_back(std::move(label));
  }
  MILLRACE_DO(must_be_known(s, in.caller.workspace, deployment));
  MILLRACE_TRY(const auto done, s.feedback.record(in.caller, deployment, std::move(labels)));
  return done.to_json();
}

Result<std::optional<Micros>> time_of(const std::optional<std::string>& text, const std::string& name) {
  if (!text || text->empty()) return std::optional<Micros>();
  auto time = parse_time(*text);
  if (!time) return std::move(time).error().at_field(name);
  return std::optional(*time);
}

Result<Json> look(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"to", "clock"}));
  monitor::LookRequest request{.deployment = in.arg("deployment")};
  if (find(body, "to") != nullptr) {
    MILLRACE_TRY(const auto text, get_string(body, "to"));
    MILLRACE_TRY(request.to, time_of(text, "to"));
  }
  const auto clock = string_or(body, "clock", "wall");
  if (clock != "wall" && clock != "event")
    return Error{Code::invalid, "there is no clock '" + clock.substr(0, 50) + "'"}.at_field("clock").hint(
        "write event or wall");
  request.event_clock = clock == "event";
  MILLRACE_TRY(const auto job, s.looks.ask(in.caller, request));
  return Json{{"id", job.id}, {"state", job.state}};
}

// "from:to:arm:model:version" of the window before.
std::string cursor_of(const monitor::Window& window) {
  return fmt::format("{}:{}:{}:{}:{}", window.from, window.to, window.arm, window.model, window.version);
}

Result<monitor::WindowCursor> read_cursor(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text)
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  const auto whole = [](const std::string& part, int64_t& out) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
    return error == std::errc() && end == part.data() + part.size();
  };
  monitor::WindowCursor out;
  if (parts.size() != 5 || !whole(parts[0], out.from) || !whole(parts[1], out.to) || !whole(parts[4], out.version))
    return Error{Code::invalid, "this is no place to go on after"}.at_field("after").hint(
        "give what 'next' of the page before says");
  out.arm = parts[2];
  out.model = parts[3];
  return out;
}

Result<Json> windows(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  monitor::WindowFilter filter{.deployment = in.arg("deployment"), .arm = in.query_value("arm").value_or("")};
  MILLRACE_TRY(const auto from, time_of(in.query_value("from"), "from"));
  MILLRACE_TRY(const auto to, time_of(in.query_value("to"), "to"));
  filter.from = from.value_or(0);
  filter.to = to.value_or(0);
  std::optional<monitor::WindowCursor> after;
  if (const auto text = in.query_value("after")) {
    MILLRACE_TRY(after, read_cursor(*text));
  }
  MILLRACE_TRY(auto found, s.windows.list(in.caller.workspace, filter, after, kPage + 1));
  const bool more = found.size() > kPage;
  if (more) found.pop_back();
  Json out = page(found);
  if (more) out["next"] = cursor_of(found.back());
  return out;
}

Result<Json> ids(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  return s.data_plane.prediction_ids(in.arg("deployment"), in.query_value("input").value_or(""),
                                     in.query_value("after").value_or(""));
}

}  // namespace

Routes monitor_routes(Services& s) {
  const std::string base = "/api/millrace/v1/deployments/{deployment}";
  return {
      {"POST", "/api/millrace/v1/feedback", Permission::write, kJsonBody, "feedback.recorded", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return feedback(s, in); }); },
       "Labels of predictions: {deployment, items: [{prediction_id, row, label, event_time}]}; the same again changes "
       "nothing, another label is a correction."},
      {"POST", base + "/monitor", Permission::write, kJsonBody, "job.submitted", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return look(s, in); }, 202);
       },
       "Compute the windows that have ended (a job): {to, clock: event | wall}; with clock event, to is how far event "
       "time has come."},
      {"GET", base + "/windows", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return windows(s, in); }); },
       "What was seen of the deployment, the newest revision of each window, oldest first: ?arm=&from=&to=&after=."},
      {"GET", base + "/predictions/ids", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return ids(s, in); }); },
       "Which predictions answered the requests of ?input=DIGEST: request and prediction ids, a page after ?after=ID."},
  };
}

}  // namespace millrace::api::native
