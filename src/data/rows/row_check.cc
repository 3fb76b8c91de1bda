#include "data/rows/row_check.h"

#include <fmt/format.h>

#include "data/column_order.h"
#include "data/expression.h"
#include "data/inputs/decode.h"
#include "data/inputs/kind.h"
#include "data/rows/byte_source.h"
#include "data/rows/csv_rows.h"
#include "data/rows/json_rows.h"
#include "data/rows/parquet_rows.h"
#include "data/rows/reference_keys.h"
#include "data/rows/row_executor.h"
#include "data/typing.h"

namespace millrace::data {
namespace {

constexpr std::string_view kEngine = "row";
constexpr size_t kHead = 8;

// What a stream turns out to be.
struct StreamForm {
  InputFile file;  // without a path; of JSON lines with the properties as columns
  std::unique_ptr<CsvRows> csv;
  std::unique_ptr<JsonRows> json;
};

Error refuse(const RowStream& stream, std::string why, std::string way_out) {
  return Error{Code::unsupported, std::move(why)}.at({.file = stream.label}).hint(std::move(way_out));
}

Result<void> refuse_binary(const RowStream& stream, std::string_view head) {
  MILLRACE_TRY(const auto packed, compression_of(head, stream.label));
  if (!packed.empty())
    return refuse(stream, fmt::format("{} is packed with {}", stream.label, packed), "unpack it before: zcat F | ...");
  const bool binary =
      head.starts_with(kParquetMagic) || head.starts_with("ARROW1") || head.starts_with("\xFF\xFF\xFF\xFF");
  if (binary || stream.reading.format == "parquet" || stream.reading.format == "arrow")
    return refuse(stream, fmt::format("{} brings CSV or JSON lines only", stream.label), "name the file itself");
  const auto& encoding = stream.reading.encoding;
  if (!encoding.empty() && encoding != "utf-8" && encoding != "utf8" && encoding != "UTF-8")
    return refuse(stream, fmt::format("{} is read as UTF-8, not as {}", stream.label, encoding),
                  "convert it before: iconv -f ENCODING -t UTF-8");
  return {};
}

// Enough to tell what is no text.
Result<std::string> read_head(Reader& bytes) {
  std::string head(kHead, '\0');
  size_t have = 0;
  while (have < head.size()) {
    MILLRACE_TRY(const size_t got, bytes.read(head.data() + have, head.size() - have));
    if (got == 0) break;
    have += got;
  }
  head.resize(have);
  return head;
}

// Bytes that were looked at, then those behind them.
class ReadAgain final : public Reader {
 public:
  ReadAgain(std::string_view head, Reader& rest) : head_(head), rest_(rest) {}
  Result<size_t> read(char* to, size_t room) override {
    if (head_.empty()) return rest_.read(to, room);
    const size_t count = head_.copy(to, room);
    head_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view head_;
  Reader& rest_;
};

class Check {
 public:
  Check(engine::Engine& session, const CheckRequest& request, const Object& object, std::vector<Rule> rules)
      : session_(session),
        request_(request),
        object_(object),
        rules_(std::move(rules)),
        plan_(session, session, object_, rules_),
        columns_(object) {}

  Result<CheckReport> run(const RowStream* stream) {
    if (!request_.out_folder.empty())
      return Error{Code::unsupported, "row by row a batch is judged, and its rows are not parted"}.hint(
          "take the batch in with duckdb");
    report_ = begin_report(request_, object_, std::string(kEngine));
    MILLRACE_DO(settle_rules(request_, object_, kEngine, rules_));
    MILLRACE_DO(read_conditions());
    plan_.read_with(request_.inputs);
    if (stream == nullptr) {
      MILLRACE_DO(check_files());
    } else {
      MILLRACE_DO(check_stream(*stream));
    }
    return std::move(report_);
  }

 private:
  Result<void> read_conditions() {
    for (const auto& [rule, text] : conditions_of(rules_)) {
      MILLRACE_TRY(const auto expression, check_expression(session_, text, object_, rule->where));
      auto term = read_term(expression.tree, object_, rule->where);
      if (!term) return term.error().while_doing(fmt::format("compiling the rule {} for {}", rule->id, kEngine));
      columns_.conditions.emplace(text, std::move(*term));
    }
    return {};
  }

  Result<RowExecutor> compile() {
    for (const auto& rule : rules_)
      if (rule.kind == "foreign_key" && rule.skipped.empty()) {
        MILLRACE_TRY(auto keys, read_keys(session_, plan_, rule, request_.references));
        columns_.references.emplace(rule.id, std::move(keys));
      }
    return RowExecutor::make(request_, object_, rules_, columns_);
  }

  Result<void> check_files() {
    MILLRACE_TRY(const auto problems, plan_.match(request_.files, request_.file_names));
    judge_schema(problems, report_);
    report_.moved_columns = moved_columns(object_, plan_.files());
    if (!problems.empty()) {
      for (const auto& file : plan_.files()) MILLRACE_DO(count_rows(file));
      report_.profile.rows = report_.rows;
      return {};
    }
    MILLRACE_TRY(auto executor, compile());
    for (const auto& file : plan_.files()) {
      MILLRACE_DO(executor.begin(file.label, columns_of(file)));
      MILLRACE_DO(read(file, [&](Row row) { return executor.take(row); }));
    }
    executor.tell(request_, rules_, report_);
    return {};
  }

  Result<void> count_rows(const InputFile& file) {
    return read(file, [&](Row) -> Result<void> {
      ++report_.rows;
      return {};
    });
  }

  std::vector<RowColumn> columns_of(const InputFile& file) const {
    std::vector<RowColumn> out;
    for (const auto& property : object_.properties) {
      RowColumn column{.at = file.index(property.source_name), .shown_raw = plan_.may_be_wrong(property.name)};
      const bool mixed = file.columns[column.at].type == "JSON";
      column.means = mixed && !file.exported ? TextMeans::text : TextMeans::anything;
      column.shown_json = mixed;
      out.push_back(column);
    }
    return out;
  }

  template <class Take>
  Result<void> read_all(RowReader& rows, const Take& take) {
    Row row;
    while (true) {
      MILLRACE_TRY(const bool any, rows.next(row));
      if (!any) return {};
      MILLRACE_DO(take(row));
    }
  }

  template <class Take>
  Result<void> read(const InputFile& file, const Take& take) {
    if (file.parquet) {
      MILLRACE_TRY(const auto rows, open_parquet_rows(file));
      return read_all(*rows, take);
    }
    MILLRACE_TRY(const auto bytes, DescriptorReader::open(file.path, file.label));
    TextBuffer text(*bytes, file.label);
    if (file.format == "jsonl") {
      std::vector<std::string> names;
      for (const auto& column : file.columns) names.push_back(column.name);
      JsonRows rows(text, std::move(names));
      return read_all(rows, take);
    }
    CsvRows rows(text, {.dialect = file.dialect, .keep_empty = file.exported, .masked = file.masked});
    if (file.header) {
      MILLRACE_TRY(const auto header, rows.header());
      (void)header;  // inspected
    }
    rows.expect(file.columns.size());
    return read_all(rows, take);
  }

  Result<void> check_stream(const RowStream& stream) {
    MILLRACE_TRY(auto executor, compile());
    MILLRACE_TRY(const auto head, read_head(*stream.bytes));
    MILLRACE_DO(refuse_binary(stream, head));
    ReadAgain bytes(head, *stream.bytes);
    CheckedText checked(bytes, stream.label);
    TextBuffer text(checked, stream.label);
    MILLRACE_TRY(auto form, begin_stream(stream, text));
    MILLRACE_TRY(auto problems, plan_.match_file(form.file));
    std::vector<RowColumn> columns;
    for (size_t i = 0; i < object_.properties.size(); ++i) {
      const auto& property = object_.properties[i];
      RowColumn column{.at = form.json != nullptr || !problems.empty() ? i : form.file.index(property.source_name),
                       .shown_raw = sql_type(property.type).has_value()};
      if (form.json != nullptr) column.means = TextMeans::text, column.shown_json = column.shown_raw;
      if (form.csv != nullptr) column.shown_raw = plan_.may_be_wrong(property.name);
      columns.push_back(column);
    }
    MILLRACE_DO(executor.begin(stream.label, std::move(columns)));
    const auto count = [&](Row) -> Result<void> {
      ++report_.rows;
      return {};
    };
    RowReader& rows = form.json != nullptr ? static_cast<RowReader&>(*form.json) : *form.csv;
    if (problems.empty()) {
      MILLRACE_DO(read_all(rows, [&](Row row) { return executor.take(row); }));
      report_.rows = executor.rows();
    } else {
      MILLRACE_DO(read_all(rows, count));
    }
    if (form.json != nullptr && report_.rows > 0) add_key_problems(*form.json, stream, problems);
    judge_schema(problems, report_);
    report_.moved_columns = moved_columns(object_, std::span(&form.file, 1));
    report_.profile.rows = report_.rows;
    if (problems.empty()) executor.tell(request_, rules_, report_);
    return {};
  }

  // The keys of a stream are known at its end.
  void add_key_problems(const JsonRows& rows, const RowStream& stream, std::vector<SchemaProblem>& problems) const {
    for (size_t i = 0; i < object_.properties.size(); ++i)
      if (const auto& property = object_.properties[i]; !rows.has_seen(i))
        problems.push_back({"schema.columns", property.name,
                            fmt::format("the column '{}' is missing in {}", property.source_name, stream.label)});
    for (const auto& key : rows.unknown())
      problems.push_back({"schema.columns", key, fmt::format("the column '{}' is not in the contract", key)});
  }

  Result<StreamForm> begin_stream(const RowStream& stream, TextBuffer& text) {
    MILLRACE_DO(text.fill_to('\n'));
    const auto first = text.rest().find_first_not_of(" \r\n\t");
    if (first == std::string_view::npos)
      return Error{Code::invalid, fmt::format("{} is empty", stream.label)}
          .at({.file = stream.label})
          .hint("a batch without rows is CSV with its header");
    StreamForm form;
    form.file.label = stream.label;
    form.file.format = !stream.reading.format.empty() ? stream.reading.format
                       : text.rest()[first] == '{'    ? "jsonl"
                                                      : "csv";
    if (form.file.format == "jsonl") {
      std::vector<std::string> names;
      for (const auto& property : object_.properties) {
        names.push_back(property.source_name);
        form.file.columns.push_back({.name = property.source_name, .type = "JSON"});
      }
      form.json = std::make_unique<JsonRows>(text, std::move(names));
      return form;
    }
    const auto line = text.rest().substr(0, text.rest().find('\n'));
    form.file.dialect = find_dialect(line, stream.reading, true);
    const bool masked = std::any_of(object_.properties.begin(), object_.properties.end(),
                                    [](const Property& property) { return property.is_masked(); });
    form.csv = std::make_unique<CsvRows>(text, CsvForm{.dialect = form.file.dialect, .masked = masked});
    std::vector<std::string> names;
    if (stream.reading.no_header) {
      for (const auto& property : object_.properties) names.push_back(property.source_name);
      form.csv->expect(names.size());
    } else {
      MILLRACE_TRY(auto header, form.csv->header());
      names = std::move(*header);
    }
    for (auto& name : names) form.file.columns.push_back({.name = std::move(name), .type = ""});
    MILLRACE_DO(check_header(form.file));
    return form;
  }

  engine::Engine& session_;
  const CheckRequest& request_;
  const Object& object_;
  std::vector<Rule> rules_;
  Plan plan_;
  RowColumns columns_;
  CheckReport report_;
};

}  // namespace

Result<CheckReport> check_rows(engine::Engine& session, const CheckRequest& request, const RowStream* stream) {
  MILLRACE_TRY(const auto* object, request.contract->object(request.object));
  MILLRACE_TRY(auto rules, rules_of(*request.contract, *object));
  auto report = Check(session, request, *object, std::move(rules)).run(stream);
  if (!report) report.error().while_doing("checking the batch");
  return report;
}

}  // namespace millrace::data
