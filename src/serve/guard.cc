#include "serve/guard.h"

#include <utility>

#include <fmt/format.h>

#include "data/contracts/contract.h"
#include "data/rows/row_guard.h"
#include "serve/half.h"

namespace millrace::serve {
namespace {

template <class T>
data::Cell number_cell(const Tensor& tensor, size_t at) {
  const T value = tensor.as<T>()[at];
  if constexpr (std::is_floating_point_v<T>)
    return data::Cell::of(static_cast<double>(value));
  else if (std::in_range<int64_t>(value))
    return data::Cell::of(static_cast<int64_t>(value));
  else
    return data::Cell::of(
        static_cast<double>(value));  // above 2^63: beyond every bound that a contract can name exactly
}

data::Cell cell_of(const Tensor& tensor, size_t at) {
  switch (tensor.type) {
    case DType::boolean: return data::Cell::of_boolean(tensor.data[at] != std::byte{0});
    case DType::uint8: return number_cell<uint8_t>(tensor, at);
    case DType::uint16: return number_cell<uint16_t>(tensor, at);
    case DType::uint32: return number_cell<uint32_t>(tensor, at);
    case DType::uint64: return number_cell<uint64_t>(tensor, at);
    case DType::int8: return number_cell<int8_t>(tensor, at);
    case DType::int16: return number_cell<int16_t>(tensor, at);
    case DType::int32: return number_cell<int32_t>(tensor, at);
    case DType::int64: return number_cell<int64_t>(tensor, at);
    case DType::fp32: return number_cell<float>(tensor, at);
    case DType::fp64: return number_cell<double>(tensor, at);
    case DType::bytes: return data::Cell::of(std::string_view(tensor.texts[at]));
    case DType::fp16: return data::Cell::of(tensor.as<Half>()[at].number());
    case DType::bf16: return data::Cell::of(tensor.as<Brain>()[at].number());
  }
  return {};
}

// Which field guards the elements of an input: one field for all of them, or for a matrix one a column.
struct Column {
  size_t input;
  size_t field;
  size_t offset, stride;  // elements
};

class ContractGuard final : public Guard {
 public:
  ContractGuard(data::RowGuard guard, std::vector<Column> columns)
      : guard_(std::move(guard)), columns_(std::move(columns)) {}

  std::optional<Refusal> check(std::span<const Tensor> inputs) const override {
    for (const auto& column : columns_) {
      const Tensor& tensor = inputs[column.input];
      const size_t count = tensor.elements();
      for (size_t at = column.offset; at < count; at += column.stride)
        if (auto broken = guard_.check(column.field, cell_of(tensor, at)))
          return refusal(std::move(*broken), tensor, at);
    }
    return std::nullopt;
  }

 private:
  static Refusal refusal(data::Violation broken, const Tensor& tensor, size_t at) {
    const size_t rows = tensor.shape.rank() > 0 ? static_cast<size_t>(tensor.shape[0]) : 1;
    const size_t row = at / std::max<size_t>(1, tensor.elements() / std::max<size_t>(1, rows));
    return {.field = std::move(broken.field),
            .rule = std::move(broken.rule),
            .message = std::move(broken.message),
            .row = row};
  }

  data::RowGuard guard_;
  std::vector<Column> columns_;
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

Result<std::unique_ptr<const Guard>> load_guard(const std::string& contract_path,
                                                const std::vector<TensorSpec>& inputs) {
  MILLRACE_TRY(const auto contract, data::load_contract(contract_path));
  MILLRACE_TRY(const auto* object, contract.object(""));
  MILLRACE_TRY(auto guard, data::RowGuard::make(contract, object->name));
  auto columns = match(guard, inputs);
  if (!columns)
    return std::move(columns).error().at({.file = contract_path}).while_doing("matching the contract and the model");
  return std::unique_ptr<const Guard>(std::make_unique<ContractGuard>(std::move(guard), std::move(*columns)));
}

}  // namespace millrace::serve
