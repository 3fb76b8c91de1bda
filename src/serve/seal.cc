// From closed segments to Parquet: one row a row of the request, one column an input or output.
#include <unistd.h>

#include <cerrno>
#include <cmath>

#include <map>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "engine/parquet.h"
#include "serve/prediction_log.h"
#include "serve/stored.h"

namespace millrace::serve {
namespace {
using engine::Column;
using Kind = Column::Kind;

// One value a row keeps its type; more than one, and what no column type holds exactly, become JSON text.
Kind kind_of(const TensorSpec& spec) {
  int64_t per_row = 1;
  for (size_t i = 1; i < spec.shape.rank(); ++i) per_row *= spec.shape[i];
  if (per_row != 1 || spec.shape.rank() == 0 || spec.shape[0] != -1) return Kind::text;
  switch (spec.type) {
    case DType::boolean: return Kind::boolean;
    case DType::fp16:
    case DType::bf16:
    case DType::fp32:
    case DType::fp64: return Kind::number;
    case DType::uint64:
    case DType::bytes: return Kind::text;
    default: return Kind::integer;
  }
}

// The elements of one row.
Tensor slice(const Tensor& tensor, size_t row, size_t rows) {
  const size_t each = tensor.elements() / rows;
  Tensor out{.type = tensor.type};
  if (tensor.type == DType::bytes)
    out.texts.assign(tensor.texts.begin() + static_cast<long>(row * each),
                     tensor.texts.begin() + static_cast<long>((row + 1) * each));
  else
    out.data.assign(tensor.data.begin() + static_cast<long>(row * each * size_of(tensor.type)),
                    tensor.data.begin() + static_cast<long>((row + 1) * each * size_of(tensor.type)));
  return out;
}

void push(Column& column, const Tensor& one) {
  if (column.kind() == Kind::text && one.type == DType::bytes && one.texts.size() == 1) {
    const std::string& text = one.texts[0];
    // A text column holds UTF-8 only; bytes that are none stay readable, and marked.
    return column.push_text(simdjson::validate_utf8(text) ? text : "0x" + to_hex(text.data(), text.size()));
  }
  const Json values = tensor_json(one);
  if (column.kind() == Kind::text) return column.push_text(values.size() == 1 ? to_text(values[0]) : to_text(values));
  const Json& value = values[0];
  if (value.is_boolean())
    column.push_boolean(value.get<bool>());
  else if (column.kind() == Kind::integer)
    column.push_integer(value.get<int64_t>());
  else if (value.is_number())
    column.push_number(value.get<double>());
  else
    column.push_number(value == "NaN" ? NAN : value == "Infinity" ? INFINITY : -INFINITY);
}

// The columns of one segment; inputs and outputs of several arms lie beside each other.
class Sheet {
 public:
  void add(uint64_t key, Arm arm) {
    for (const auto& spec : arm.inputs) want("in_" + spec.name, kind_of(spec));
    for (const auto& spec : arm.outputs) want("out_" + spec.name, kind_of(spec));
    arms_[key] = std::move(arm);
  }

  Result<void> add(const Decoded& record) {
    const auto arm = arms_.find(record.arm_key);
    if (arm == arms_.end()) return Error{Code::corrupt, "a prediction names an arm that its segment does not describe"};
    if (columns_.empty()) begin();
    const size_t rows = record.prediction.rows();
    for (size_t row = 0; row < rows; ++row) add_row(arm->second, record.prediction, row, rows);
    return {};
  }

  const engine::Columns& columns() const { return columns_; }
  int64_t rows() const { return columns_.empty() ? 0 : static_cast<int64_t>(columns_[0].size()); }

 private:
  static constexpr std::pair<std::string_view, Kind> kFacts[] = {{"prediction_id", Kind::text},
                                                                 {"row", Kind::integer},
                                                                 {"event_time", Kind::timestamp},
                                                                 {"arrived_at", Kind::timestamp},
                                                                 {"deployment", Kind::text},
                                                                 {"workspace", Kind::text},
                                                                 {"release", Kind::text},
                                                                 {"arm", Kind::text},
                                                                 {"model", Kind::text},
                                                                 {"version", Kind::integer},
                                                                 {"digest", Kind::text},
                                                                 {"status", Kind::text},
                                                                 {"unit", Kind::text},
                                                                 {"input", Kind::text},
                                                                 {"request_id", Kind::text},
                                                                 {"field", Kind::text},
                                                                 {"rule", Kind::text},
                                                                 {"duration_us", Kind::integer},
                                                                 {"flags", Kind::text},
                                                                 {"contract", Kind::text},
                                                                 {"case", Kind::text}};

  void want(const std::string& name, Kind kind) {
    const auto [at, fresh] = tensors_.emplace(name, kind);
    if (!fresh && at->second != kind) at->second = Kind::text;
  }
  void begin() {
    for (const auto& [name, kind] : kFacts) columns_.emplace_back(std::string(name), kind);
    for (const auto& [name, kind] : tensors_) {
      place_[name] = columns_.size();
      columns_.emplace_back(name, kind);
    }
  }
  void add_row(const Arm& arm, const Prediction& it, size_t row, size_t rows) {
    size_t at = 0;
    const auto text = [&](std::string_view value) { columns_[at++].push_text(value); };
    text(it.id);
    columns_[at++].push_integer(static_cast<int64_t>(row));
    columns_[at++].push_time(it.event_time);
    columns_[at++].push_time(it.arrived_at);
    for (const auto& value : {arm.deployment, arm.workspace, arm.release_node(), arm.name, arm.model}) text(value);
    columns_[at++].push_integer(arm.version);
    text(arm.digest);
    text(name_of(it.outcome));
    for (const auto* value : {&it.unit, &it.input, &it.request_id, &it.field, &it.rule}) text(*value);
    if (it.duration_us < 0)
      columns_[at++].push_null();
    else
      columns_[at++].push_integer(it.duration_us);
    if (it.flags.empty())
      columns_[at++].push_null();
    else
      columns_[at++].push_text(to_text(to_json(it.flags)));
    text(arm.contract);
    if (it.held)
      columns_[at++].push_text(to_text(to_json(*it.held)));
    else
      columns_[at++].push_null();
    for (size_t i = 0; i < it.inputs.size() && i < arm.inputs.size(); ++i)
      put("in_" + arm.inputs[i].name, it.inputs[i], row, rows);
    for (size_t i = 0; i < it.outputs.size(); ++i)
      if (it.wanted[i] < arm.outputs.size()) put("out_" + arm.outputs[it.wanted[i]].name, it.outputs[i], row, rows);
    for (; at < columns_.size(); ++at)
      if (columns_[at].size() < columns_[0].size()) columns_[at].push_null();
  }
  // Tensors without a row for each row of the request stand whole in each.
  void put(const std::string& name, const Tensor& tensor, size_t row, size_t rows) {
    const bool by_row = tensor.shape.rank() > 0 && tensor.shape[0] == static_cast<int64_t>(rows);
    push(columns_[place_.at(name)], by_row ? slice(tensor, row, rows) : tensor);
  }

  std::map<uint64_t, Arm> arms_;
  std::map<std::string, Kind> tensors_;
  std::map<std::string, size_t> place_;
  engine::Columns columns_;
};

Result<SegmentScan> fill(const std::string& segment, Sheet& sheet) {
  // Two passes: every arm's columns must be known before the first row.
  MILLRACE_TRY(const auto unused, scan_segment(segment, [&](RecordKind kind, std::string_view payload) -> Result<void> {
                 if (kind != RecordKind::arm) return {};
                 MILLRACE_TRY(const auto json, parse_json(payload, segment));
                 MILLRACE_TRY(auto arm, Arm::of_json(json));
                 sheet.add(ArmKey::of_description(payload), std::move(arm));
                 return {};
               }));
  (void)unused;
  return scan_segment(segment, [&](RecordKind kind, std::string_view payload) -> Result<void> {
    if (kind != RecordKind::prediction) return {};
    MILLRACE_TRY(const auto record, decode(payload));
    return sheet.add(record);
  });
}

// nothing: the segment is damaged and stays.
Result<std::optional<int64_t>> seal_one(const std::string& segment) {
  Sheet sheet;
  MILLRACE_TRY(const auto scan, fill(segment, sheet));
  if (scan.end == SegmentScan::End::damaged) return std::optional<int64_t>();
  const std::string sealed = segment.substr(0, segment.size() - 4) + ".parquet";
  const auto there = engine::parquet_rows(sealed);
  if (sheet.rows() > 0 && (!there || *there != sheet.rows())) {
    FAULT_POINT("serve.seal.before_write");
    MILLRACE_DO(engine::write_parquet(sealed, sheet.columns()));
    MILLRACE_TRY(const auto rows, engine::parquet_rows(sealed));
    if (rows != sheet.rows())
      return Error{Code::corrupt, fmt::format("the sealed file has {} rows, its segment {}", rows, sheet.rows())}
          .at({.file = sealed})
          .hint("the segment was kept; seal again");
  }
  FAULT_POINT("serve.seal.before_remove");
  if (::unlink(segment.c_str()) != 0) return file_error("cannot remove the sealed segment", segment, errno);
  MILLRACE_DO(flush_folder(parent_of(segment)));
  return std::optional<int64_t>(sheet.rows());
}

}  // namespace

Result<SealReport> seal_segments(const std::vector<std::string>& closed) {
  SealReport report;
  for (const auto& segment : closed) {
    auto rows = seal_one(segment);
    if (!rows) return std::move(rows).error().while_doing("sealing the prediction log");
    if (!*rows) {
      ++report.left;
      continue;
    }
    ++report.segments;
    report.rows += **rows;
  }
  return report;
}

}  // namespace millrace::serve
