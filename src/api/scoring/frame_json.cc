#include <simdjson.h>

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "api/scoring/frame.h"
#include "core/limits.h"

namespace millrace::api::scoring {
namespace {
namespace dom = simdjson::dom;

constexpr std::string_view kFormats =
    "The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', "
    "'instances', 'inputs'}";

Error bad(std::string message) { return Error{Code::invalid, std::move(message)}; }

std::string name_of(const Column& column) { return column.name.empty() ? "the input" : column.name; }

Scalar scalar_of(dom::element from) {
  Scalar out;
  switch (from.type()) {
    case dom::element_type::BOOL:
      out.kind = Scalar::Kind::boolean;
      out.boolean = from.get_bool().value_unsafe();
      break;
    case dom::element_type::INT64:
      out.kind = Scalar::Kind::integer;
      out.integer = from.get_int64().value_unsafe();
      break;
    case dom::element_type::UINT64:
      out.kind = Scalar::Kind::natural;
      out.natural = from.get_uint64().value_unsafe();
      break;
    case dom::element_type::DOUBLE:
      out.kind = Scalar::Kind::number;
      out.number = from.get_double().value_unsafe();
      break;
    case dom::element_type::STRING:
      out.kind = Scalar::Kind::text;
      out.text = from.get_string().value_unsafe();
      break;
    default: break;  // null
  }
  return out;
}

// Appends the elements of one column. The first value says how deep the lists are, the first list of a level how long.
class Filler {
 public:
  explicit Filler(Column& column) : column_(column) {}

  // The first dimension is known: rows, each added at level 1.
  void begin(int64_t rows) { column_.shape.push(rows), measured_[0] = true; }

  Result<void> add(dom::element from, size_t level) {
    if (from.is_object())
      return bad(fmt::format("'{}' holds an object where a value or a list is expected.", name_of(column_)));
    dom::array list;
    if (from.get_array().get(list) == simdjson::SUCCESS) return add_list(list, level);
    if (level < column_.shape.rank()) return ragged();
    settled_ = true;
    column_.values.push_back(scalar_of(from));
    return {};
  }

 private:
  Result<void> add_list(dom::array list, size_t level) {
    if (level == column_.shape.rank()) {
      if (settled_) return ragged();
      if (!column_.shape.push(0))
        return bad(fmt::format("The lists of '{}' are more than {} deep.", name_of(column_), serve::kMaxRank));
    }
    int64_t count = 0;
    for (const auto each : list) {
      MILLRACE_DO(add(each, level + 1));
      ++count;
    }
    settled_ = true;
    if (!std::exchange(measured_[level], true)) column_.shape[level] = count;
    return column_.shape[level] == count ? Result<void>() : ragged();
  }
  Error ragged() const {
    return bad(fmt::format("The lists of '{}' are not all of one length and depth.", name_of(column_)));
  }

  Column& column_;
  std::array<bool, serve::kMaxRank> measured_{};
  bool settled_ = false;
};

// Names of columns may be numbers, as pandas makes them.
Result<std::string> column_name(dom::element from) {
  std::string_view text;
  int64_t number = 0;
  if (from.get_string().get(text) == simdjson::SUCCESS) return std::string(text.substr(0, limits::name_bytes));
  if (from.get_int64().get(number) == simdjson::SUCCESS) return std::to_string(number);
  return bad("The names of columns are texts.");
}

// The columns of a table while its rows pass by.
class Table {
 public:
  Table(Frame& out, int64_t rows) : out_(out), rows_(rows) {}

  Result<size_t> column(std::string name) {
    if (out_.columns.size() == limits::json_keys)
      return bad(fmt::format("There are more than {} columns.", limits::json_keys));
    out_.columns.push_back({.name = std::move(name)});
    fillers_.emplace_back(out_.columns.back());
    fillers_.back().begin(rows_);
    return out_.columns.size() - 1;
  }
  Result<void> add(size_t column, dom::element value) { return fillers_[column].add(value, 1); }
  void add_null(size_t column) { out_.columns[column].values.emplace_back(); }
  bool is_list(size_t column) const { return out_.columns[column].shape.rank() > 1; }

 private:
  Frame& out_;
  const int64_t rows_;
  std::deque<Filler> fillers_;
};

Result<void> read_split(dom::element from, Frame& out) {
  dom::object object;
  if (from.get_object().get(object) != simdjson::SUCCESS) return bad("Dataframe split format must be a dictionary.");
  dom::array names, rows;
  bool named = false, has_data = false;
  for (const auto& [key, value] : object) {
    if (key == "columns" && !value.is_null()) {
      named = true;
      if (value.get_array().get(names) != simdjson::SUCCESS) return bad("'columns' must be a list of names.");
    } else if (key == "data") {
      has_data = true;
      if (value.get_array().get(rows) != simdjson::SUCCESS) return bad("'data' must be a list of rows.");
    } else if (key != "index" && key != "columns") {
      has_data = false;
      break;
    }
  }
  if (!has_data)
    return bad("Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields.");
  Table table(out, static_cast<int64_t>(rows.size()));
  if (named)
    for (const auto each : names) {
      MILLRACE_TRY(auto name, column_name(each));
      MILLRACE_DO(table.column(std::move(name)));
    }
  size_t number = 0;
  for (const auto each : rows) {
    dom::array row;
    const bool is_list = each.get_array().get(row) == simdjson::SUCCESS;
    const size_t width = is_list ? row.size() : 1;
    if (!named && number == 0)
      for (size_t i = 0; i < width; ++i) MILLRACE_DO(table.column(std::to_string(i)));
    if (width != out.columns.size())
      return bad(fmt::format("Row {} has {} values, there are {} columns.", number, width, out.columns.size()));
    if (!is_list) MILLRACE_DO(table.add(0, each));
    size_t at = 0;
    if (is_list)
      for (const auto value : row) MILLRACE_DO(table.add(at++, value));
    ++number;
  }
  return {};
}

// A key that a record leaves out is null, as is one that comes later.
Result<void> read_records(dom::array rows, bool all_keys, Frame& out) {
  Table table(out, static_cast<int64_t>(rows.size()));
  std::map<std::string, size_t, std::less<>> columns;
  size_t number = 0;
  for (const auto each : rows) {
    dom::object record;
    if (each.get_object().get(record) != simdjson::SUCCESS)
      return bad(fmt::format("Row {} is not a dictionary, as the first one is.", number));
    std::vector<bool> given(out.columns.size(), false);
    for (const auto& [key, value] : record) {
      auto at = columns.find(key);
      if (at == columns.end()) {
        if (all_keys && number > 0) return bad("The length of values for each input/column name are not the same");
        MILLRACE_TRY(const size_t fresh, table.column(std::string(key.substr(0, limits::name_bytes))));
        for (size_t row = 0; row < number; ++row) table.add_null(fresh);
        at = columns.emplace(std::string(key), fresh).first;
        given.push_back(false);
      }
      if (given[at->second]) return bad(fmt::format("Row {} has a key twice.", number));
      given[at->second] = true;
      MILLRACE_DO(table.add(at->second, value));
    }
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i]) continue;
      if (all_keys) return bad("The length of values for each input/column name are not the same");
      table.add_null(i);
    }
    ++number;
  }
  // A null is one value; where the others are lists, the column is ragged.
  for (const auto& column : out.columns)
    if (column.shape.elements() != std::optional(column.values.size()))
      return bad(fmt::format("The lists of '{}' are not all of one length and depth.", name_of(column)));
  return {};
}

Result<void> read_tensor(std::string_view name, dom::element value, Frame& out) {
  out.columns.push_back({.name = std::string(name.substr(0, limits::name_bytes))});
  Filler filler(out.columns.back());
  MILLRACE_DO(filler.add(value, 0));
  if (out.columns.back().shape.rank() == 0) return bad("A list of values is expected for each input.");
  return {};
}

Result<void> read_tensors(dom::element from, Frame& out) {
  dom::object object;
  out.form = Frame::Form::array;
  if (from.get_object().get(object) != simdjson::SUCCESS) return read_tensor("", from, out);
  out.form = Frame::Form::tensors;
  for (const auto& [key, value] : object) {
    if (out.columns.size() == limits::model_tensors)
      return bad(fmt::format("There are more than {} inputs.", limits::model_tensors));
    MILLRACE_DO(read_tensor(key, value, out));
  }
  return {};
}

Result<void> read_instances(dom::element from, Frame& out) {
  dom::array rows;
  const bool is_list = from.get_array().get(rows) == simdjson::SUCCESS;
  if (!is_list || rows.size() == 0 || !(*rows.begin()).is_object()) return read_tensors(from, out);
  MILLRACE_DO(read_records(rows, true, out));
  out.form = Frame::Form::tensors;
  return {};
}

// No model here has parameters of its own; these are the server's.
Result<void> read_params(dom::element from, Frame& out) {
  dom::object object;
  if (from.is_null()) return {};
  if (from.get_object().get(object) != simdjson::SUCCESS) return bad("'params' must be a dictionary.");
  for (const auto& [key, value] : object) {
    std::string_view text;
    const bool is_text = value.get_string().get(text) == simdjson::SUCCESS && text.size() <= limits::name_bytes;
    std::string* place = key == "millrace_unit" ? &out.unit : key == "millrace_input" ? &out.input : nullptr;
    if (place == nullptr && key != "millrace_event_time") continue;
    if (!is_text) return bad(fmt::format("'{}' must be a text of at most {} bytes.", key, limits::name_bytes));
    if (place != nullptr) {
      *place = text;
      continue;
    }
    const auto time = parse_time(text);
    if (!time) return bad("'millrace_event_time' must be a time like 2013-07-01T05:00:00Z.");
    out.event_time = *time;
  }
  return {};
}

}  // namespace

Result<Frame> read_json(const std::string& body) {
  auto parser = std::make_shared<dom::parser>();
  dom::element root;
  if (parser->parse(body.data(), body.size(), false).get(root) != simdjson::SUCCESS)
    return bad("Ensure that input is a valid JSON formatted string.");
  dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS)
    return bad(fmt::format("{}. Received {}.", kFormats, root.is_array() ? "a list" : "another value"));
  Frame out;
  std::string_view format;
  dom::element data;
  size_t formats = 0;
  for (const auto& [key, value] : object) {
    if (key == "params") MILLRACE_DO(read_params(value, out));
    if (key != "dataframe_split" && key != "dataframe_records" && key != "instances" && key != "inputs") continue;
    ++formats;
    format = key;
    data = value;
  }
  if (formats != 1) return bad(fmt::format("{}. Received {}.", kFormats, formats));
  out.owner = parser;
  if (format == "dataframe_split") {
    MILLRACE_DO(read_split(data, out));
  } else if (format == "dataframe_records") {
    dom::array rows;
    if (data.get_array().get(rows) != simdjson::SUCCESS)
      return bad("Dataframe records format must be a list of records.");
    MILLRACE_DO(read_records(rows, false, out));
  } else if (format == "instances") {
    MILLRACE_DO(read_instances(data, out));
  } else {
    MILLRACE_DO(read_tensors(data, out));
  }
  return out;
}

}  // namespace millrace::api::scoring
