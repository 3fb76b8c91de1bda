#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"
#include "cli/rows_file.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

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

Json request_of(const engine::Table& rows, size_t row, const std::vector<Input>& inputs, const Json& parameters) {
  Json tensors = Json::array();
  for (const auto& input : inputs)
    tensors.push_back({{"name", input.name},
                       {"datatype", input.datatype},
                       {"shape", {1, 1}},
                       {"data", Json::array({rows.json(row, input.column)})}});
  return {{"inputs", tensors}, {"parameters", parameters}};
}

struct Tally {
  int64_t answered = 0, refused = 0;
  std::string first_id, first_refusal;
};

Result<Tally> send_all(api::Client& client, const std::string& model, const engine::Table& rows,
                       const std::vector<Input>& inputs, const Invocation& in, const std::string& digest) {
  Tally tally;
  const auto time_column = rows.find(in.args.get("--event-time", "event_time"));
  const auto unit_column = rows.find(in.args.get("--unit", "unit"));
  const std::string target = "/v2/models/" + api::encode_path(model) + "/infer";
  for (size_t row = 0; row < rows.rows(); ++row) {
    Json parameters{{"millrace_input", digest}};
    if (time_column) parameters["millrace_event_time"] = rows.text(row, *time_column);
    if (unit_column) parameters["millrace_unit"] = rows.text(row, *unit_column);
    MILLRACE_TRY(const auto answer, client.send("POST", target, to_text(request_of(rows, row, inputs, parameters))));
    MILLRACE_TRY(const auto body, parse_json(answer.body, "answer"));
    if (answer.status == 200) {
      if (tally.answered++ == 0 && body.contains("parameters"))
        tally.first_id = string_or(body["parameters"], "millrace_prediction_id", "");
    } else if (answer.status >= 500) {
      return Error{Code::unavailable, fmt::format("row {}: {}", row, string_or(body, "error", ""))};
    } else if (tally.refused++ == 0) {
      tally.first_refusal = string_or(body, "error", "");
    }
    if ((row + 1) % 500 == 0)
      in.say(fmt::format("  {} of {} sent", with_commas(static_cast<int64_t>(row + 1)),
                         with_commas(static_cast<int64_t>(rows.rows()))));
  }
  return tally;
}

Result<int> replay(Invocation& in) {
  const auto deployment = in.args.get("DEPLOYMENT");
  auto url = in.args.get("--url");
  Gateway* gateway = nullptr;
  if (url.empty() || is_stage_file(in.args.get("FILE"))) {
    MILLRACE_TRY(gateway, in.gateway());
  }
  if (url.empty()) {
    MILLRACE_TRY(const auto status, gateway->call("GET", address({"status"})));
    url = string_or(status, "http", "");
  }
  if (url.starts_with("http://")) url = url.substr(7);
  MILLRACE_TRY(const auto rows_file, find_rows_file(gateway, in.args.get("FILE")));
  const auto& file = rows_file.path;
  const auto& digest = rows_file.digest;
  if (gateway != nullptr && in.args.has("--once")) {
    MILLRACE_TRY(const auto known, gateway->call("GET", address({"deployments", deployment, "predictions"}) +
                                                            "?input=" + api::encode_path(digest)));
    if (integer_or(known, "count", 0) > 0) {
      in.show(known, fmt::format("already sent: {} predictions of this file are in the log; the first is {}\n",
                                 with_commas(integer_or(known, "count", 0)), string_or(known, "first", "")));
      return 0;
    }
  }
  MILLRACE_TRY(auto session, in.host.engines().open({.temp_folder = parent_of(file), .readable = {file}}));
  MILLRACE_TRY(const auto rows, session->query("SELECT * FROM read_parquet(" + engine::quote_text(file) + ")"));
  MILLRACE_TRY(auto client, api::Client::connect_tcp(url));
  MILLRACE_TRY(const auto metadata, expect_json(client->send("GET", "/v2/models/" + api::encode_path(deployment), ""),
                                                "the model's metadata"));
  MILLRACE_TRY(const auto inputs, match_inputs(metadata, rows));
  MILLRACE_TRY(const auto tally, send_all(*client, deployment, rows, inputs, in, digest));
  const Json answer{{"sent", rows.rows()},
                    {"answered", tally.answered},
                    {"refused", tally.refused},
                    {"first_prediction", tally.first_id},
                    {"first_refusal", tally.first_refusal}};
  in.show(answer,
          fmt::format("{} requests sent, {} answered, {} refused by the contract{}\nfirst prediction: {}\n",
                      with_commas(static_cast<int64_t>(rows.rows())), with_commas(tally.answered),
                      with_commas(tally.refused),
                      tally.first_refusal.empty() ? "" : " (first: " + tally.first_refusal + ")", tally.first_id));
  return tally.answered == 0 ? 1 : 0;
}

}  // namespace

std::vector<Command> replay_commands() {
  return {{.name = "replay",
           .summary = "send the rows of a Parquet file to a deployment as requests over HTTP, one row a request",
           .positionals = {{"DEPLOYMENT", "the deployment (its name in the Open Inference Protocol)"},
                           {"FILE", "Parquet file, or stage:STAGE/FILE for an out of the pipeline"}},
           .options = {{.name = "--url",
                        .value = "HOST:PORT",
                        .summary = "the server (default: the owner of the state folder)"},
                       {.name = "--event-time",
                        .value = "COLUMN",
                        .summary = "column with the time of the event (default event_time)"},
                       {.name = "--unit", .value = "COLUMN", .summary = "column with the unit's key (default unit)"},
                       {.name = "--once",
                        .value = "",
                        .summary = "send nothing when this file's predictions are in the log already"}},
           .run = replay}};
}

}  // namespace millrace::cli
