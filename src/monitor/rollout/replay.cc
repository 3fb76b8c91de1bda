#include "monitor/rollout/replay.h"

#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"
#include "engine/parquet.h"
#include "serve/half.h"

namespace millrace::monitor {
namespace {

using engine::Column;
using engine::Table;
using serve::DType;
using serve::Tensor;
using serve::TensorSpec;

constexpr int64_t kPage = 20'000;  // rows in memory at once
constexpr size_t kBatch = 500;     // rows through the model at once
constexpr size_t kFirstInput = 2;  // columns of a page before the inputs

template <class T>
void push_number(Tensor& out, T value) {
  switch (out.type) {
    case DType::boolean: return out.push<uint8_t>(value != 0);
    case DType::uint8: return out.push(static_cast<uint8_t>(value));
    case DType::uint16: return out.push(static_cast<uint16_t>(value));
    case DType::uint32: return out.push(static_cast<uint32_t>(value));
    case DType::uint64: return out.push(static_cast<uint64_t>(value));
    case DType::int8: return out.push(static_cast<int8_t>(value));
    case DType::int16: return out.push(static_cast<int16_t>(value));
    case DType::int32: return out.push(static_cast<int32_t>(value));
    case DType::int64: return out.push(static_cast<int64_t>(value));
    case DType::fp32: return out.push(static_cast<float>(value));
    case DType::fp64: return out.push(static_cast<double>(value));
    case DType::fp16: return out.push(serve::Half::of(static_cast<double>(value)).bits);
    case DType::bf16: return out.push(serve::Brain::of(static_cast<double>(value)).bits);
    case DType::bytes: return;
  }
}

// One element as the sealed log writes it in JSON. false: it is none of the type.
bool push_element(Tensor& out, const Json& value) {
  if (out.type == DType::bytes) {
    if (value.is_string()) out.texts.push_back(value.get<std::string>());
    return value.is_string();
  }
  if (value.is_number_unsigned())
    push_number(out, value.get<uint64_t>());
  else if (value.is_number_integer())
    push_number(out, value.get<int64_t>());
  else if (value.is_number())
    push_number(out, value.get<double>());
  else if (value.is_boolean())
    push_number(out, value.get<bool>() ? 1 : 0);
  else if (value == "NaN")
    push_number(out, std::nan(""));
  else if (value == "Infinity" || value == "-Infinity")
    push_number(out, value == "Infinity" ? INFINITY : -INFINITY);
  else
    return false;
  return true;
}

struct Input {
  const TensorSpec& spec;
  size_t per_row = 1;
};

Result<std::vector<Input>> inputs_of(const serve::Model& model) {
  std::vector<Input> out;
  for (const auto& spec : model.inputs()) {
    Input input{.spec = spec};
    bool fixed = spec.shape.rank() > 0 && spec.shape[0] == -1;
    for (size_t i = 1; i < spec.shape.rank(); ++i) {
      fixed &= spec.shape[i] > 0;
      input.per_row *= static_cast<size_t>(std::max<int64_t>(spec.shape[i], 1));
    }
    if (!fixed)
      return Error{Code::unsupported,
                   fmt::format("the input '{}' of the shape {} has no fixed number of values a row, so the log's rows "
                               "cannot be put together again",
                               spec.name, spec.shape.text())};
    out.push_back(input);
  }
  return out;
}

// false: the row has a value that the candidate needs not.
bool push_cell(Tensor& out, const Input& input, const Table& page, size_t row, size_t column) {
  if (page.is_null(row, column)) return false;
  const auto& type = page.type(column);
  if (input.per_row == 1 && out.type == DType::bytes) return out.texts.push_back(page.text(row, column)), true;
  if (input.per_row == 1 && type == "number") return push_number(out, page.real(row, column)), true;
  if (input.per_row == 1 && (type == "integer" || type == "boolean"))
    return push_number(out, page.integer(row, column)), true;
  const auto values = parse_json(page.text(row, column), "the prediction log");
  if (!values) return false;
  if (!values->is_array()) return input.per_row == 1 && push_element(out, *values);
  if (values->size() != input.per_row) return false;
  for (const auto& value : *values)
    if (!push_element(out, value)) return false;
  return true;
}

// Rows of the log on their way through the candidate, and its answers on their way to a file.
class Replay {
 public:
  Replay(const ReplayRequest& request, std::vector<Input> inputs)
      : request_(request), model_(*request.candidate->model), inputs_(std::move(inputs)) {
    for (const auto& [name, kind] :
         std::initializer_list<std::pair<const char*, Column::Kind>>{{"prediction_id", Column::Kind::text},
                                                                     {"row", Column::Kind::integer},
                                                                     {"workspace", Column::Kind::text},
                                                                     {"arm", Column::Kind::text},
                                                                     {"model", Column::Kind::text},
                                                                     {"version", Column::Kind::integer},
                                                                     {"status", Column::Kind::text}})
      answers_.emplace_back(name, kind);
    for (size_t i = 0; i < model_.outputs().size(); ++i) {
      const auto type = model_.outputs()[i].type;
      if (type != DType::fp32 && type != DType::fp64) continue;
      wanted_.push_back(i);
      answers_.emplace_back("out_" + model_.outputs()[i].name, Column::Kind::number);
    }
  }

  Result<void> add(const Table& page) {
    for (size_t from = 0; from < page.rows(); from += kBatch) {
      std::vector<size_t> rows;
      for (size_t row = from; row < std::min(page.rows(), from + kBatch); ++row) rows.push_back(row);
      MILLRACE_DO(run(page, rows));
    }
    return {};
  }
  engine::Columns& answers() { return answers_; }

  int64_t replayed = 0, refused = 0, failed = 0, incomplete = 0;

 private:
  static constexpr size_t kFacts = 7;

  std::vector<Tensor> gather(const Table& page, std::vector<size_t>& rows) {
    std::vector<size_t> whole;
    std::vector<Tensor> out;
    for (const auto& input : inputs_) out.push_back({.type = input.spec.type});
    for (const size_t row : rows) {
      bool good = true;
      for (size_t i = 0; i < inputs_.size() && good; ++i)
        good = push_cell(out[i], inputs_[i], page, row, kFirstInput + i);
      if (good) {
        whole.push_back(row);
        continue;
      }
      ++incomplete;
      for (size_t i = 0; i < inputs_.size(); ++i) cut(out[i], whole.size() * inputs_[i].per_row);
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
      out[i].shape = inputs_[i].spec.shape;
      out[i].shape[0] = static_cast<int64_t>(whole.size());
    }
    rows = std::move(whole);
    return out;
  }
  static void cut(Tensor& tensor, size_t elements) {
    if (tensor.type == DType::bytes)
      tensor.texts.resize(elements);
    else
      tensor.data.resize(elements * serve::size_of(tensor.type));
  }

  // What is refused or fails among others is tried again alone.
  Result<void> run(const Table& page, std::vector<size_t> rows) {
    if (request_.cancelled && request_.cancelled()) return Error{Code::unavailable, "the replay was cancelled"};
    const auto inputs = gather(page, rows);
    if (rows.empty()) return {};
    const auto refusal = request_.candidate->guard ? request_.candidate->guard->check(inputs) : std::nullopt;
    auto outputs =
        refusal ? Result<std::vector<Tensor>>(Error{Code::rejected, refusal->message}) : model_.run(inputs, wanted_);
    if (!outputs && rows.size() > 1) {
      for (const size_t row : rows) MILLRACE_DO(run(page, {row}));
      return {};
    }
    for (size_t i = 0; i < rows.size(); ++i) add_answer(page, rows[i], i, rows.size(), outputs ? &*outputs : nullptr);
    ++(refusal ? refused : outputs ? replayed : failed);
    if (outputs) replayed += static_cast<int64_t>(rows.size()) - 1;
    return {};
  }

  void add_answer(const Table& page, size_t row, size_t at, size_t rows, const std::vector<Tensor>* outputs) {
    const auto& it = request_.difference;
    answers_[0].push_text(page.text(row, 0));
    answers_[1].push_integer(page.integer(row, 1));
    answers_[2].push_text(it.workspace);
    answers_[3].push_text(it.arm);
    answers_[4].push_text(it.model);
    answers_[5].push_integer(it.version);
    answers_[6].push_text(outputs != nullptr ? "answered" : "failed");
    for (size_t i = 0; i < wanted_.size(); ++i) {
      auto& column = answers_[kFacts + i];
      const bool one_a_row = outputs != nullptr && (*outputs)[i].elements() == rows;
      if (!one_a_row)
        column.push_null();
      else if ((*outputs)[i].type == DType::fp32)
        column.push_number((*outputs)[i].as<float>()[at]);
      else
        column.push_number((*outputs)[i].as<double>()[at]);
    }
  }

  const ReplayRequest& request_;
  const serve::Model& model_;
  const std::vector<Input> inputs_;
  std::vector<size_t> wanted_;
  engine::Columns answers_;
};

Result<void> check_logged(engine::Engine& engine, const std::vector<Input>& inputs) {
  MILLRACE_TRY(const auto described, engine.query("DESCRIBE log"));
  std::vector<std::string> names;
  for (size_t row = 0; row < described.rows(); ++row) names.push_back(described.text(row, 0));
  for (const auto& input : inputs)
    if (std::find(names.begin(), names.end(), "in_" + input.spec.name) == names.end())
      return Error{Code::invalid,
                   fmt::format("the candidate takes the input '{}', which no logged request has", input.spec.name)}
          .hint("replay a version with the inputs of those that were on traffic");
  return {};
}

std::string page_sql(const ReplayRequest& request, const std::vector<Input>& inputs) {
  std::string columns;
  for (const auto& input : inputs) columns += ", " + engine::quote_name("in_" + input.spec.name);
  std::string period;
  if (request.from > 0) period += fmt::format(" AND epoch_us(event_time) >= {}", request.from);
  if (request.to > 0) period += fmt::format(" AND epoch_us(event_time) < {}", request.to);
  return fmt::format(
      "SELECT prediction_id, \"row\"{} FROM log WHERE arm <> 'shadow' AND workspace = {} AND status IN ('answered', "
      "'refused'){} AND (prediction_id > ? OR (prediction_id = ? AND \"row\" > ?)) ORDER BY prediction_id, \"row\" "
      "LIMIT {}",
      columns, engine::quote_text(request.difference.workspace), period, kPage);
}

}  // namespace

Result<Json> replay_traffic(engine::Engines& engines, const ReplayRequest& request) {
  MILLRACE_TRY(auto inputs, inputs_of(*request.candidate->model));
  MILLRACE_TRY(auto engine, open_log(engines, request.difference));
  MILLRACE_DO(check_logged(*engine, inputs));
  const auto sql = page_sql(request, inputs);
  Replay replay(request, std::move(inputs));
  auto difference = request.difference;
  std::string last;
  int64_t last_row = -1;
  while (true) {
    MILLRACE_TRY(const auto page, engine->query(sql, {last, last, last_row}));
    if (page.rows() == 0) break;
    MILLRACE_DO(replay.add(page));
    last = page.text(page.rows() - 1, 0);
    last_row = page.integer(page.rows() - 1, 1);
    difference.more.push_back(fmt::format("{}/{}.parquet", difference.temp_folder, difference.more.size()));
    MILLRACE_DO(engine::write_parquet(difference.more.back(), replay.answers()));
    for (auto& column : replay.answers()) column.clear();
    if (static_cast<int64_t>(page.rows()) < kPage) break;
  }
  engine.reset();
  if (difference.more.empty())
    return Error{Code::not_found,
                 fmt::format("the log of '{}' has no request in this period", request.difference.deployment)}
        .hint("leave out --from and --to, or name a period with traffic");
  auto measured = measure_shadow(engines, difference);
  if (!measured && measured.error().code() == Code::not_found)
    return Error{Code::rejected,
                 fmt::format("{}@{} has no answer to any of the rows of '{}' that were answered: {} refused by its "
                             "contract, {} failed, {} without all inputs",
                             difference.model, difference.version, difference.deployment, replay.refused, replay.failed,
                             replay.incomplete)}
        .hint("replay a version with the inputs of those that were on traffic");
  MILLRACE_TRY(auto out, std::move(measured));
  out["replay"] = {{"replayed", replay.replayed},
                   {"refused", replay.refused},
                   {"failed", replay.failed},
                   {"incomplete", replay.incomplete},
                   {"from", request.from > 0 ? Json(to_iso(request.from)) : Json(nullptr)},
                   {"to", request.to > 0 ? Json(to_iso(request.to)) : Json(nullptr)}};
  return out;
}

}  // namespace millrace::monitor
