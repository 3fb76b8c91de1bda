#include "serve/cases/columns.h"

#include <algorithm>
#include <cmath>

#include "serve/guard/cells.h"

namespace millrace::serve {
namespace {

using From = CaseColumn::From;

data::LogicalType type_of(DType type) {
  switch (type) {
    case DType::boolean: return data::LogicalType::boolean;
    case DType::bytes: return data::LogicalType::string;
    case DType::fp16:
    case DType::bf16:
    case DType::fp32:
    case DType::fp64: return data::LogicalType::number;
    default: return data::LogicalType::integer;
  }
}

// Values a row; 0 when the first dimension does not count rows or another one varies.
size_t per_row(const TensorSpec& spec) {
  if (spec.shape.rank() == 0 || spec.shape[0] != -1) return 0;
  size_t out = 1;
  for (size_t i = 1; i < spec.shape.rank(); ++i) {
    if (spec.shape[i] < 1) return 0;
    out *= static_cast<size_t>(spec.shape[i]);
  }
  return out;
}

const Tensor* output_in(const CaseQuestion& question, size_t output) {
  const auto at = std::find(question.wanted.begin(), question.wanted.end(), output);
  const auto place = static_cast<size_t>(at - question.wanted.begin());
  return place < question.outputs.size() ? &question.outputs[place] : nullptr;
}

data::Cell label_of(const data::Cell& score, double threshold) {
  if (score.kind != data::Cell::Kind::number || std::isnan(score.number)) return {};
  return data::Cell::of(int64_t{score.number >= threshold ? 1 : 0});
}

}  // namespace

Result<CaseColumns> CaseColumns::of(const CaseSubject& subject) {
  CaseColumns out;
  out.object_.name = subject.deployment;
  out.threshold_ = subject.threshold.value_or(0);
  MILLRACE_DO(out.add_inputs(subject));
  out.add_outputs(subject);
  return out;
}

void CaseColumns::add(std::string name, data::LogicalType type, CaseColumn column) {
  if (object_.find(name) != nullptr) return;
  data::Property property;
  property.name = property.source_name = std::move(name);
  property.type = type;
  object_.properties.push_back(std::move(property));
  columns_.push_back(column);
}

Result<void> CaseColumns::add_inputs(const CaseSubject& subject) {
  for (size_t i = 0; i < subject.inputs.size(); ++i) {
    const auto& spec = subject.inputs[i];
    const size_t each = per_row(spec);
    if (each == 1) add(spec.name, type_of(spec.type), {.from = From::input, .tensor = i});
    if (each < 2 || subject.inputs.size() != 1 || subject.contract.empty()) continue;
    MILLRACE_TRY(const auto contract, data::load_contract(subject.contract));
    MILLRACE_TRY(const auto* object, contract.object(""));
    if (object->properties.size() != each) continue;
    for (size_t column = 0; column < each; ++column)
      add(object->properties[column].name, type_of(spec.type),
          {.from = From::input, .tensor = i, .offset = column, .stride = each});
  }
  return {};
}

void CaseColumns::add_outputs(const CaseSubject& subject) {
  for (size_t i = 0; i < subject.outputs.size(); ++i)
    if (per_row(subject.outputs[i]) == 1)
      add(subject.outputs[i].name, type_of(subject.outputs[i].type), {.from = From::output, .tensor = i});
  const auto score = score_output(subject.outputs);
  if (!score) return;
  const CaseColumn at{
      .from = From::output, .tensor = score->output, .offset = score->columns - 1, .stride = score->columns};
  add("score", data::LogicalType::number, at);
  if (!subject.threshold) return;
  auto label = at;
  label.from = From::label_of_score;
  add("label", data::LogicalType::integer, label);
}

std::vector<std::string> CaseColumns::inputs() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].from == From::input) out.push_back(object_.properties[i].name);
  return out;
}

void CaseColumns::fill(const CaseQuestion& question, size_t row, std::vector<data::Cell>& out) const {
  out.assign(columns_.size(), data::Cell{});
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto& column = columns_[i];
    const auto* tensor =
        column.from == From::input ? &question.inputs[column.tensor] : output_in(question, column.tensor);
    const size_t at = row * column.stride + column.offset;
    if (tensor == nullptr || at >= tensor->elements()) continue;
    out[i] = cell_of(*tensor, at);
    // An unsigned integer above 2^63 comes as a number.
    if (object_.properties[i].type == data::LogicalType::integer && tensor->type == DType::uint64 &&
        out[i].kind != data::Cell::Kind::integer)
      out[i] = {};
    if (column.from == From::label_of_score) out[i] = label_of(out[i], threshold_);
  }
}

}  // namespace millrace::serve
