#include "serve/guard.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "data/contracts/contract.h"
#include "data/rows/row_guard.h"
#include "serve/guard/cells.h"

namespace millrace::serve {
namespace {

constexpr std::string_view kModes[] = {"reject", "clamp", "flag"};

// Which field guards the elements of an input: one field for all of them, or for a matrix one a column.
struct Column {
  size_t input;
  size_t field;
  size_t offset, stride;  // elements
};

size_t rows_of(const Tensor& tensor) { return tensor.shape.rank() > 0 ? static_cast<size_t>(tensor.shape[0]) : 1; }
size_t row_of(const Tensor& tensor, size_t at) {
  const size_t rows = std::max<size_t>(1, rows_of(tensor));
  return at / std::max<size_t>(1, tensor.elements() / rows);
}

// Looks through one request. The inputs are copied for the first value that is clamped.
class Look {
 public:
  Look(std::span<const Tensor> inputs, GuardMode mode, Verdict& out) : inputs_(inputs), mode_(mode), out_(out) {}

  const Tensor& input(size_t number) const { return out_.inputs.empty() ? inputs_[number] : out_.inputs[number]; }

  // false: the request is refused, and nothing else is looked at.
  bool element(const data::RowGuard& guard, const Column& column, size_t at) {
    const auto broken = guard.check(column.field, cell_of(input(column.input), at));
    if (!broken) return true;
    const size_t row = row_of(input(column.input), at);
    if (mode_ == GuardMode::clamp && clamp(guard, column, at)) return flag(*broken, row, true);
    return mode_ == GuardMode::flag ? flag(*broken, row, false) : refuse(*broken, row);
  }

  bool row(const data::Violation& broken, size_t row) {
    return mode_ == GuardMode::flag ? flag(broken, row, false) : refuse(broken, row);
  }

 private:
  bool flag(const data::Violation& broken, size_t row, bool clamped) {
    ++out_.flagged;
    if (out_.flags.size() < kTold)
      out_.flags.push_back({broken.field, broken.rule, static_cast<uint32_t>(row), clamped});
    return true;
  }
  bool refuse(const data::Violation& broken, size_t row) {
    out_ = {.refusal = Refusal{.field = broken.field, .rule = broken.rule, .message = broken.message, .row = row}};
    return false;
  }
  // The value then breaks no rule.
  bool clamp(const data::RowGuard& guard, const Column& column, size_t at) {
    const auto given = cell_of(input(column.input), at);
    const auto wanted = guard.nearest(column.field, given);
    if (!wanted) return false;
    if (out_.inputs.empty()) out_.inputs.assign(inputs_.begin(), inputs_.end());
    Tensor& tensor = out_.inputs[column.input];
    const auto holds = [&] { return !guard.check(column.field, cell_of(tensor, at)); };
    return put_nearest(tensor, at, given, *wanted, holds);
  }

  const std::span<const Tensor> inputs_;
  const GuardMode mode_;
  Verdict& out_;
};

class ContractGuard final : public Guard {
 public:
  ContractGuard(data::RowGuard guard, std::vector<Column> columns)
      : guard_(std::move(guard)), columns_(std::move(columns)), left_out_(guard_.left_out()) {}

  Verdict judge(std::span<const Tensor> inputs, GuardMode mode) const override {
    Verdict out;
    Look look(inputs, mode, out);
    for (const auto& column : columns_) {
      const size_t count = inputs[column.input].elements();
      for (size_t at = column.offset; at < count; at += column.stride)
        if (!look.element(guard_, column, at)) return out;
    }
    if (guard_.has_conditions() && asks_rows_) judge_rows(look, inputs);
    return out;
  }
  const std::vector<std::string>& left_out() const override { return left_out_; }

  // Conditions need one value of each input a row.
  void match_rows(const std::vector<TensorSpec>& specs, bool matrix) {
    for (const auto& spec : specs) {
      int64_t each = 1;
      for (size_t i = 1; i < spec.shape.rank(); ++i) each *= spec.shape[i];
      asks_rows_ &= spec.shape.rank() > 0 && spec.shape[0] == -1 && (matrix || each == 1);
    }
    if (guard_.has_conditions() && !asks_rows_)
      left_out_.emplace_back("the conditions between fields: an input has not one value a row");
  }

 private:
  void judge_rows(Look& look, std::span<const Tensor> inputs) const {
    std::vector<data::Cell> raw(guard_.fields().size()), typed;
    const size_t rows = rows_of(inputs[columns_[0].input]);
    for (size_t row = 0; row < rows; ++row) {
      for (const auto& column : columns_)
        raw[column.field] = cell_of(look.input(column.input), row * column.stride + column.offset);
      const auto broken = guard_.check_row(raw, typed);
      if (broken && !look.row(*broken, row)) return;
    }
  }

  data::RowGuard guard_;
  std::vector<Column> columns_;
  std::vector<std::string> left_out_;
  bool asks_rows_ = true;
};

bool is_matrix_of(const std::vector<TensorSpec>& inputs, size_t fields) {
  return inputs.size() == 1 && inputs[0].shape.rank() == 2 && inputs[0].shape[1] == static_cast<int64_t>(fields) &&
         fields > 1;
}

Result<std::vector<Column>> match(const data::RowGuard& guard, const std::vector<TensorSpec>& inputs) {
  const auto& fields = guard.fields();
  std::vector<Column> out;
  if (is_matrix_of(inputs, fields.size())) {
    for (size_t i = 0; i < fields.size(); ++i)
      out.push_back({.input = 0, .field = i, .offset = i, .stride = fields.size()});
    return out;
  }
  std::vector<bool> used(fields.size(), false);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto field = guard.find(inputs[i].name);
    if (!field)
      return Error{Code::invalid, fmt::format("the contract says nothing of the model's input '{}'", inputs[i].name)}
          .hint("add a property of that name");
    used[*field] = true;
    out.push_back({.input = i, .field = *field, .offset = 0, .stride = 1});
  }
  for (size_t i = 0; i < fields.size(); ++i)
    if (!used[i] && fields[i].required)
      return Error{Code::invalid,
                   fmt::format("the contract requires '{}', which is no input of the model", fields[i].name)}
          .hint("drop it, or make it not required");
  return out;
}

}  // namespace

std::string_view name_of(GuardMode mode) { return kModes[static_cast<size_t>(mode)]; }

std::optional<GuardMode> find_guard_mode(std::string_view name) {
  for (size_t i = 0; i < std::size(kModes); ++i)
    if (kModes[i] == name) return static_cast<GuardMode>(i);
  return std::nullopt;
}

Result<std::unique_ptr<const Guard>> load_guard(const std::string& contract_path, const std::vector<TensorSpec>& inputs,
                                                engine::Engines& engines) {
  MILLRACE_TRY(const auto contract, data::load_contract(contract_path));
  MILLRACE_TRY(const auto* object, contract.object(""));
  MILLRACE_TRY(auto guard, data::RowGuard::make(contract, object->name, &engines));
  auto columns = match(guard, inputs);
  if (!columns)
    return std::move(columns).error().at({.file = contract_path}).while_doing("matching the contract and the model");
  const bool matrix = is_matrix_of(inputs, guard.fields().size());
  auto out = std::make_unique<ContractGuard>(std::move(guard), std::move(*columns));
  out->match_rows(inputs, matrix);
  return std::unique_ptr<const Guard>(std::move(out));
}

}  // namespace millrace::serve
