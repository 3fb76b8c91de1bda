#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "api/client.h"
#include "cli/follow.h"
#include "cli/host.h"
#include "cli/rows_file.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

constexpr int64_t kMostConnections = 32;
constexpr Micros kDay = 86'400'000'000;

struct Input {
  std::string name, datatype;
  size_t column = 0;
};

Result<Json> expect_json(const Result<api::Answer>& answer, std::string_view what) {
  if (!answer) return answer.error();
  MILLRACE_TRY(auto body, parse_json(answer->body, what));
  if (answer->status != 200)
    return Error{answer->status == 404 ? Code::not_found : Code::rejected,
                 fmt::format("{}: {}", what, string_or(body, "error", answer->body.substr(0, 200)))};
  return body;
}

// The model's inputs, each found among the file's columns.
Result<std::vector<Input>> match_inputs(const Json& metadata, const engine::Table& rows) {
  std::vector<Input> out;
  for (const auto& input : metadata.at("inputs")) {
    const auto name = string_or(input, "name", "");
    const auto column = rows.find(name);
    if (!column) return Error{Code::invalid, fmt::format("the file has no column '{}' that the model needs", name)};
    out.push_back({.name = name, .datatype = string_or(input, "datatype", ""), .column = *column});
  }
  return out;
}

// What all requests of one replay share.
struct Plan {
  std::string deployment, target;
  RowsFile file;
  engine::Table rows;
  std::vector<Input> inputs;
  std::optional<size_t> time_column, unit_column;
  std::vector<size_t> order;  // rows to send

  Micros time(size_t row) const { return time_column ? rows.integer(row, *time_column) : 0; }
};

Json request_of(const Plan& plan, size_t row) {
  const auto& rows = plan.rows;
  Json tensors = Json::array();
  for (const auto& input : plan.inputs)
    tensors.push_back({{"name", input.name},
                       {"datatype", input.datatype},
                       {"shape", {1, 1}},
                       {"data", Json::array({rows.json(row, input.column)})}});
  Json parameters{{"millrace_input", plan.file.digest}};
  if (plan.time_column) parameters["millrace_event_time"] = rows.text(row, *plan.time_column);
  if (plan.unit_column) parameters["millrace_unit"] = rows.text(row, *plan.unit_column);
  return {{"id", plan.file.request_id(static_cast<int64_t>(row))},
          {"inputs", std::move(tensors)},
          {"parameters", std::move(parameters)}};
}

struct Tally {
  int64_t answered = 0, refused = 0, already = 0;
  size_t first_row = SIZE_MAX;
  std::string first_id, first_refusal;
};

// A few connections that take the rows of one stretch in turns; ends when all are answered.
class Sender {
 public:
  static Result<std::unique_ptr<Sender>> connect(const Plan& plan, const std::string& url, int64_t connections) {
    std::unique_ptr<Sender> out(new Sender(plan));
    for (int64_t i = 0; i < connections; ++i) {
      MILLRACE_TRY(auto client, api::Client::connect_tcp(url));
      out->clients_.push_back(std::move(client));
    }
    return out;
  }

  Result<void> send(size_t from, size_t to) {
    next_ = from;
    std::vector<std::thread> threads;
    for (auto& client : clients_) threads.emplace_back([this, to, &client] { work(*client, to); });
    for (auto& thread : threads) thread.join();
    if (error_) return *error_;
    return {};
  }
  const Tally& tally() const { return tally_; }

 private:
  explicit Sender(const Plan& plan) : plan_(plan) {}

  void work(api::Client& client, size_t to) {
    for (size_t at = next_++; at < to; at = next_++) {
      auto done = send_one(client, plan_.order[at]);
      if (done) continue;
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::move(done).error();
      next_ = to;
      return;
    }
  }

  Result<void> send_one(api::Client& client, size_t row) {
    MILLRACE_TRY(const auto answer, client.send("POST", plan_.target, to_text(request_of(plan_, row))));
    MILLRACE_TRY(const auto body, parse_json(answer.body, "answer"));
    if (answer.status >= 500)
      return Error{Code::unavailable, fmt::format("row {}: {}", row, string_or(body, "error", ""))}.hint(
          "send it again with --once: rows that were answered are not repeated");
    const std::lock_guard lock(mutex_);
    if (answer.status != 200) {
      if (tally_.refused++ == 0) tally_.first_refusal = string_or(body, "error", "");
      return {};
    }
    ++tally_.answered;
    if (row < tally_.first_row && body.contains("parameters")) {
      tally_.first_row = row;
      tally_.first_id = string_or(body["parameters"], "millrace_prediction_id", "");
    }
    return {};
  }

  const Plan& plan_;
  std::vector<std::unique_ptr<api::Client>> clients_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;  // guards the fields below
  Tally tally_;
  std::optional<Error> error_;
};

// What alerts led to is done before event time goes on: answers take no event time.
Result<void> answers_given(Gateway& gateway) {
  MILLRACE_TRY(const auto jobs, gateway.call("GET", address({"jobs"})));
  for (const auto& job : jobs.at("items")) {
    if (string_or(job, "kind", "") != "alert.respond") continue;
    for (auto state = string_or(job, "state", ""); state == "waiting" || state == "running";) {
      MILLRACE_TRY(const auto now, gateway.call("GET", address({"jobs", string_or(job, "id", "")}) + "?wait=1"));
      state = string_or(now, "state", "");
    }
  }
  return {};
}

// Tells the server how far event time has come, and waits until it has looked at what is due.
Result<void> advance(const Invocation& in, Gateway& gateway, const std::string& deployment, Micros to) {
  MILLRACE_TRY(const auto job, gateway.call("POST", address({"deployments", deployment, "monitor"}),
                                            {{"to", to_iso(to)}, {"clock", "event"}}));
  MILLRACE_TRY(const auto done, follow_job(in, gateway, string_or(job, "id", "")));
  (void)done;
  return answers_given(gateway);
}

// In order of event time, a day at a stretch; the clock moves when a day is over.
Result<void> send_all(const Invocation& in, Gateway* gateway, const Plan& plan, bool event_clock, Sender& sender) {
  size_t shown = 0;
  for (size_t from = 0; from < plan.order.size();) {
    size_t to = plan.order.size();
    const Micros day = plan.time(plan.order[from]) / kDay;
    if (event_clock) {
      MILLRACE_DO(advance(in, *gateway, plan.deployment, day * kDay));
      to = from;
      while (to < plan.order.size() && plan.time(plan.order[to]) / kDay == day) ++to;
    } else {
      to = std::min(to, from + 1000);
    }
    MILLRACE_DO(sender.send(from, to));
    from = to;
    if (from - shown < 5000) continue;
    shown = from;
    in.say(fmt::format("  {} of {} sent", with_commas(static_cast<int64_t>(from)),
                       with_commas(static_cast<int64_t>(plan.order.size()))));
  }
  return {};
}

// Which rows of this file the log holds already, whoever sent them: a replay that was cut off goes on where it was.
Result<std::vector<bool>> rows_in_log(Gateway& gateway, const Plan& plan) {
  std::vector<bool> out(plan.rows.rows(), false);
  for (std::string after;;) {
    MILLRACE_TRY(const auto page, gateway.call("GET", address({"deployments", plan.deployment, "predictions", "ids"}) +
                                                          "?input=" + api::encode_path(plan.file.digest) +
                                                          "&after=" + api::encode_path(after)));
    for (const auto& item : page.at("items"))
      if (const auto row = plan.file.row_of(string_or(item, "request_id", ""), out.size()); row >= 0)
        out[static_cast<size_t>(row)] = true;
    after = string_or(page, "next", "");
    if (after.empty()) return out;
  }
}

Result<Plan> make_plan(Invocation& in, Gateway* gateway) {
  Plan plan{.deployment = in.args.get("DEPLOYMENT")};
  plan.target = "/v2/models/" + api::encode_path(plan.deployment) + "/infer";
  MILLRACE_TRY(plan.file, find_rows_file(gateway, in.args.get("FILE")));
  const auto& path = plan.file.path;
  MILLRACE_TRY(auto session, in.host.engines().open({.temp_folder = parent_of(path), .readable = {path}}));
  MILLRACE_TRY(plan.rows, session->query("SELECT * FROM read_parquet(" + engine::quote_text(path) + ")"));
  plan.time_column = plan.rows.find(in.args.get("--event-time", "event_time"));
  plan.unit_column = plan.rows.find(in.args.get("--unit", "unit"));
  plan.order.resize(plan.rows.rows());
  std::iota(plan.order.begin(), plan.order.end(), size_t{0});
  if (plan.time_column)
    std::stable_sort(plan.order.begin(), plan.order.end(),
                     [&](size_t a, size_t b) { return plan.time(a) < plan.time(b); });
  return plan;
}

Result<bool> read_clock(const Invocation& in, const Plan& plan) {
  const auto clock = in.args.get("--clock", "wall");
  if (clock != "wall" && clock != "event")
    return Error{Code::invalid, fmt::format("there is no clock '{}'", clock)}.at_field("--clock").hint("wall or event");
  if (clock == "event" && !plan.time_column)
    return Error{Code::invalid, fmt::format("the file has no column '{}' to drive the clock",
                                            in.args.get("--event-time", "event_time"))}
        .at_field("--event-time");
  return clock == "event";
}

std::string summary(const Tally& tally) {
  std::string out =
      tally.already > 0 ? fmt::format("{} rows were in the log already\n", with_commas(tally.already)) : "";
  return out + fmt::format("{} requests sent, {} answered, {} refused by the contract{}\nfirst prediction: {}\n",
                           with_commas(tally.answered + tally.refused), with_commas(tally.answered),
                           with_commas(tally.refused),
                           tally.first_refusal.empty() ? "" : " (first: " + tally.first_refusal + ")", tally.first_id);
}

Result<int> replay(Invocation& in) {
  auto url = in.args.get("--url");
  Gateway* gateway = nullptr;
  const bool asks = in.args.has("--once") || in.args.get("--clock", "wall") == "event";
  if (url.empty() || asks || is_stage_file(in.args.get("FILE"))) {
    MILLRACE_TRY(gateway, in.gateway());
  }
  if (url.empty()) {
    MILLRACE_TRY(const auto status, gateway->call("GET", address({"status"})));
    url = string_or(status, "http", "");
  }
  if (url.starts_with("http://")) url = url.substr(7);
  MILLRACE_TRY(const auto connections, in.args.integer("--connections", 1));
  if (connections < 1 || connections > kMostConnections)
    return Error{Code::invalid, fmt::format("{} connections: from 1 to {}", connections, kMostConnections)}.at_field(
        "--connections");
  MILLRACE_TRY(auto plan, make_plan(in, gateway));
  MILLRACE_TRY(const bool event_clock, read_clock(in, plan));
  int64_t already = 0;
  if (in.args.has("--once")) {
    MILLRACE_TRY(const auto known, rows_in_log(*gateway, plan));
    already = static_cast<int64_t>(std::erase_if(plan.order, [&](size_t row) { return known[row]; }));
    if (plan.order.empty()) {
      in.show({{"sent", 0}, {"already", already}},
              fmt::format("already sent: {} predictions of this file are in the log\n", with_commas(already)));
      return 0;
    }
  }
  MILLRACE_TRY(auto client, api::Client::connect_tcp(url));
  MILLRACE_TRY(
      const auto metadata,
      expect_json(client->send("GET", "/v2/models/" + api::encode_path(plan.deployment), ""), "the model's metadata"));
  MILLRACE_TRY(plan.inputs, match_inputs(metadata, plan.rows));
  MILLRACE_TRY(const auto sender, Sender::connect(plan, url, connections));
  MILLRACE_DO(send_all(in, gateway, plan, event_clock, *sender));
  auto tally = sender->tally();
  tally.already = already;
  in.show({{"sent", tally.answered + tally.refused},
           {"answered", tally.answered},
           {"refused", tally.refused},
           {"already", already},
           {"first_prediction", tally.first_id},
           {"first_refusal", tally.first_refusal}},
          summary(tally));
  return tally.answered + tally.already == 0 ? 1 : 0;
}

}  // namespace

std::vector<Command> replay_commands() {
  return {
      {.name = "replay",
       .summary = "send the rows of a Parquet file to a deployment as requests over HTTP, one row a request",
       .positionals = {{"DEPLOYMENT", "the deployment (its name in the Open Inference Protocol)"},
                       {"FILE", "Parquet file, or stage:STAGE/FILE for an out of the pipeline"}},
       .options =
           {{.name = "--url", .value = "HOST:PORT", .summary = "the server (default: the owner of the state folder)"},
            {.name = "--event-time",
             .value = "COLUMN",
             .summary = "column with the time of the event (default event_time)"},
            {.name = "--unit", .value = "COLUMN", .summary = "column with the unit's key (default unit)"},
            {.name = "--clock",
             .value = "CLOCK",
             .summary = "wall (default), or event: windows, alerts and jobs follow the time of the events"},
            {.name = "--connections", .value = "N", .summary = "requests at once, 1 to 32 (default 1)"},
            {.name = "--once", .value = "", .summary = "leave out the rows whose predictions are in the log already"}},
       .run = replay}};
}

}  // namespace millrace::cli
