#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"
#include "cli/rows_file.h"
#include "core/files.h"
#include "core/yaml.h"

namespace millrace::cli {
namespace {

constexpr int64_t kPage = 100'000;  // rows of the file at a time
constexpr size_t kBatch = 10'000;   // labels a call

// What the file says of each row; kept small, since a file may have many.
struct Truths {
  std::vector<int8_t> labels;  // 0, 1, or -1 where the row has none
  std::vector<Micros> times;   // 0 where it has none; empty without a time column
  int64_t without = 0;         // rows without a label
};

Error no_column(const std::string& column, const engine::Table& shape) {
  std::vector<std::string> names;
  for (size_t row = 0; row < shape.rows(); ++row) names.push_back(shape.text(row, 0));
  const auto near = did_you_mean(column, names);
  Error error{Code::invalid, fmt::format("the file has no column '{}'", column)};
  if (near) error.hint(fmt::format("did you mean '{}'?", *near));
  return error;
}

Result<void> must_have(engine::Engine& engine, const std::string& source, const std::vector<std::string>& columns) {
  MILLRACE_TRY(const auto shape, engine.query("DESCRIBE SELECT * FROM " + source));
  for (const auto& column : columns) {
    bool there = false;
    for (size_t row = 0; row < shape.rows(); ++row) there = there || shape.text(row, 0) == column;
    if (!there) return no_column(column, shape);
  }
  return {};
}

Result<int8_t> label_of(const engine::Table& table, size_t at, int64_t row) {
  if (table.is_null(at, 0)) return int8_t{-1};
  const Json value = table.json(at, 0);
  if (value == 0 || value == false) return int8_t{0};
  if (value == 1 || value == true) return int8_t{1};
  return Error{Code::invalid, fmt::format("the label of row {} is {}, and not 0 or 1", row, to_text(value))}.hint(
      "a row without a label is left out when its label is null");
}

Result<Micros> time_of(const engine::Table& table, size_t at) {
  if (table.is_null(at, 1)) return Micros{0};
  if (table.type(1) == "timestamp") return table.integer(at, 1);
  return parse_time(table.text(at, 1));
}

Result<Truths> read_truths(engine::Engines& engines, const RowsFile& file, const std::string& label,
                           const std::string& time) {
  MILLRACE_TRY(auto engine, engines.open({.temp_folder = parent_of(file.path), .readable = {file.path}}));
  const auto source = fmt::format("read_parquet({}, file_row_number = true)", engine::quote_text(file.path));
  std::vector<std::string> columns{label};
  if (!time.empty()) columns.push_back(time);
  MILLRACE_DO(must_have(*engine, source, columns));
  Truths out;
  for (int64_t from = 0;; from += kPage) {
    MILLRACE_TRY(const auto table,
                 engine->query(fmt::format("SELECT {}, {} FROM {} WHERE file_row_number >= {} AND file_row_number < {} "
                                           "ORDER BY file_row_number",
                                           engine::quote_name(label), time.empty() ? "NULL" : engine::quote_name(time),
                                           source, from, from + kPage)));
    for (size_t at = 0; at < table.rows(); ++at) {
      MILLRACE_TRY(const auto truth, label_of(table, at, from + static_cast<int64_t>(at)));
      out.labels.push_back(truth);
      out.without += truth < 0 ? 1 : 0;
      if (time.empty()) continue;
      MILLRACE_TRY(const auto when, time_of(table, at));
      out.times.push_back(when);
    }
    if (table.rows() < static_cast<size_t>(kPage)) return out;
  }
}

struct Tally {
  int64_t sent = 0, accepted = 0, unchanged = 0, corrected = 0, predictions = 0;
};

Result<void> send(Gateway& gateway, const std::string& deployment, Json& items, Tally& tally) {
  if (items.empty()) return {};
  const auto count = static_cast<int64_t>(items.size());
  MILLRACE_TRY(const auto answer,
               gateway.call("POST", address({"feedback"}), {{"deployment", deployment}, {"items", std::move(items)}}));
  items = Json::array();
  tally.sent += count;
  tally.accepted += integer_or(answer, "accepted", 0);
  tally.unchanged += integer_or(answer, "unchanged", 0);
  tally.corrected += integer_or(answer, "corrected", 0);
  return {};
}

Result<Tally> send_all(Invocation& in, Gateway& gateway, const RowsFile& file, const Truths& truths) {
  const auto deployment = in.args.get("DEPLOYMENT");
  Tally tally;
  Json items = Json::array();
  std::string after;
  do {
    MILLRACE_TRY(const auto page,
                 gateway.call("GET", fmt::format("{}?input={}&after={}",
                                                 address({"deployments", deployment, "predictions", "ids"}),
                                                 api::encode_path(file.digest), after)));
    for (const auto& prediction : page.at("items")) {
      ++tally.predictions;
      const auto row = file.row_of(string_or(prediction, "request_id", ""), truths.labels.size());
      if (row < 0 || truths.labels[static_cast<size_t>(row)] < 0) continue;
      Json item{{"prediction_id", string_or(prediction, "prediction_id", "")},
                {"label", truths.labels[static_cast<size_t>(row)]}};
      if (!truths.times.empty() && truths.times[static_cast<size_t>(row)] != 0)
        item["event_time"] = to_iso(truths.times[static_cast<size_t>(row)]);
      items.push_back(std::move(item));
      if (items.size() == kBatch) MILLRACE_DO(send(gateway, deployment, items, tally));
    }
    after = string_or(page, "next", "");
    if (!after.empty()) in.say(fmt::format("  {} labels sent", with_commas(tally.sent)));
  } while (!after.empty());
  MILLRACE_DO(send(gateway, deployment, items, tally));
  return tally;
}

std::string lines_of(const Tally& tally, const Truths& truths) {
  if (tally.sent > 0 && tally.unchanged == tally.sent)
    return fmt::format("nothing new: all {} labels were there\n", with_commas(tally.sent));
  return fmt::format("{} labels sent: {} new, {} known, {} corrected; {} rows have no label\n", with_commas(tally.sent),
                     with_commas(tally.accepted), with_commas(tally.unchanged), with_commas(tally.corrected),
                     with_commas(truths.without));
}

Result<int> feedback(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto file, find_rows_file(gateway, in.args.get("FILE")));
  MILLRACE_TRY(const auto truths, read_truths(in.host.engines(), file, in.args.get("--label"), in.args.get("--time")));
  MILLRACE_TRY(const auto tally, send_all(in, *gateway, file, truths));
  const auto deployment = in.args.get("DEPLOYMENT");
  if (tally.predictions == 0)
    return Error{Code::not_found, fmt::format("'{}' has answered no request that was made from this file", deployment)}
        .hint(fmt::format("send it first: millrace replay {} {}", deployment, in.args.get("FILE")));
  in.show({{"sent", tally.sent},
           {"accepted", tally.accepted},
           {"unchanged", tally.unchanged},
           {"corrected", tally.corrected},
           {"without_label", truths.without},
           {"predictions", tally.predictions}},
          lines_of(tally, truths));
  return 0;
}

}  // namespace

std::vector<Command> feedback_commands() {
  return {
      {.name = "feedback",
       .summary = "send what really happened: labels of the rows that a replay was made from",
       .positionals = {{"DEPLOYMENT", "the deployment that answered them"},
                       {"FILE", "the Parquet file that was replayed, or stage:STAGE/FILE for an out of the pipeline"}},
       .options = {{.name = "--label",
                    .value = "COLUMN",
                    .summary = "column with 0 or 1; rows where it is null are left out",
                    .required = true},
                   {.name = "--time",
                    .value = "COLUMN",
                    .summary = "column with the time at which the label became known (default: the event clock)"}},
       .run = feedback}};
}

}  // namespace millrace::cli
