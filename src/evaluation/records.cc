#include <algorithm>

#include <fmt/format.h>

#include "core/hash.h"
#include "core/ids.h"
#include "evaluation/rows.h"
#include "track/names.h"
#include "track/search/query.h"

namespace millrace::evaluation {
namespace {

constexpr std::string_view kColumns =
    "id, dataset_id, inputs, outputs, expectations, tags, source, create_time, update_time, created_by, updated_by";

Json json_or_null(const std::string& text) {
  if (text.empty()) return Json();
  auto read = parse_json(text, "record");
  return read ? std::move(*read) : Json();
}
std::string text_of(const Json& json) { return json.is_null() ? std::string() : to_text(json); }

Record to_record(const store::Row& row) {
  return {.id = row.text(0),
          .dataset_id = row.text(1),
          .inputs = json_or_null(row.text(2)),
          .outputs = json_or_null(row.text(3)),
          .expectations = json_or_null(row.text(4)),
          .tags = json_or_null(row.text(5)),
          .source = json_or_null(row.text(6)),
          .create_time = row.integer(7),
          .update_time = row.integer(8),
          .created_by = row.text(9),
          .updated_by = row.text(10)};
}

Error bad_record(size_t at, std::string_view why) {
  return Error{Code::invalid, fmt::format("records[{}]: {}", at, why)}.hint(
      "a record is an object with 'inputs', and with 'outputs', 'expectations', 'tags' and 'source' if there are any");
}

Result<void> check_record(const Json& record, size_t at) {
  if (!record.is_object()) return bad_record(at, "it is not an object");
  for (const auto* name : {"inputs", "expectations", "tags", "source"})
    if (const auto* part = find(record, name); part != nullptr && !part->is_null() && !part->is_object())
      return bad_record(at, fmt::format("'{}' is not an object", name));
  const auto* tags = find(record, "tags");
  if (tags != nullptr && tags->is_object())
    for (const auto& value : *tags)
      if (!value.is_string()) return bad_record(at, "a tag's value is not a text");
  const auto* source = find(record, "source");
  if (source == nullptr || source->is_null()) return {};
  const auto type = string_or(*source, "source_type", "");
  for (const std::string_view known : {"UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"})
    if (type == known) return {};
  return bad_record(at, fmt::format("'{}' is no source_type", type.substr(0, 80)));
}

Json part_of(const Json& record, std::string_view name) {
  const auto* found = find(record, name);
  return found == nullptr ? Json() : *found;
}

void merge_into(Json& old, const Json& more) {
  if (!more.is_object() || more.empty()) return;
  if (!old.is_object()) old = Json::object();
  old.update(more);
}

std::string_view type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::boolean: return "boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return "integer";
    case Json::value_t::number_float: return "float";
    case Json::value_t::string: return "string";
    case Json::value_t::array: return "array";
    default: return "object";
  }
}

// The first type that a field was seen with; outputs that are no object have a type themselves.
void note_fields(Json& fields, const Json& record) {
  if (fields.is_null())
    fields = {
        {"inputs", Json::object()}, {"outputs", Json::object()}, {"expectations", Json::object()}, {"version", "1.0"}};
  for (const auto* name : {"inputs", "outputs", "expectations"}) {
    const auto part = part_of(record, name);
    auto& known = fields[name];
    if (part.is_object() && known.is_object()) {
      for (const auto& [key, value] : part.items())
        if (!known.contains(key) && known.size() < bounds::fields) known[key] = std::string(type_of(value));
    } else if (!part.is_null() && !part.is_object() && known.is_object() && known.empty()) {
      known = std::string(type_of(part));
    }
  }
}

Result<void> store_record(store::Session& session, const std::string& workspace, const Record& it,
                          const std::string& input_digest) {
  MILLRACE_DO(session.execute(
      "INSERT INTO eval_records (workspace, dataset_id, id, input_digest, inputs, outputs, expectations, tags, source, "
      "create_time, update_time, created_by, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (workspace, dataset_id, id) DO UPDATE SET outputs = excluded.outputs, expectations = "
      "excluded.expectations, tags = excluded.tags, update_time = excluded.update_time, updated_by = "
      "excluded.updated_by",
      {workspace, it.dataset_id, it.id, input_digest, to_text(it.inputs), text_of(it.outputs), text_of(it.expectations),
       text_of(it.tags), text_of(it.source), it.create_time, it.update_time, it.created_by, it.updated_by}));
  return {};
}

// One record, merged with what has the same inputs. True when it was there.
Result<bool> upsert_one(store::Session& session, const Caller& caller, const std::string& dataset, const Json& record,
                        Random& random, int64_t now) {
  auto inputs = part_of(record, "inputs");
  if (inputs.is_null()) inputs = Json::object();
  const auto digest = digest_of(to_text(inputs));
  const auto tags = part_of(record, "tags");
  const auto user = string_or(tags, "mlflow.user", "");
  MILLRACE_TRY(const auto row, session.first(fmt::format("SELECT {} FROM eval_records WHERE workspace = ? AND "
                                                         "dataset_id = ? AND input_digest = ?",
                                                         kColumns),
                                             {caller.workspace, dataset, digest}));
  Record it;
  if (row) {
    it = to_record(*row);
    if (record.contains("outputs")) it.outputs = record["outputs"];
    merge_into(it.expectations, part_of(record, "expectations"));
    merge_into(it.tags, tags);
    if (!user.empty()) it.updated_by = user;
  } else {
    it = {.id = "dr-" + make_hex(random, 16),
          .dataset_id = dataset,
          .inputs = std::move(inputs),
          .outputs = part_of(record, "outputs"),
          .expectations = part_of(record, "expectations"),
          .tags = tags,
          .source = part_of(record, "source"),
          .create_time = now,
          .update_time = now,
          .created_by = user,
          .updated_by = user};
  }
  it.update_time = now;
  MILLRACE_DO(store_record(session, caller.workspace, it, digest));
  return row.has_value();
}

}  // namespace

Result<Counts> Datasets::upsert(const Caller& caller, const std::string& id, const Json& records) {
  if (!records.is_array()) return Error{Code::invalid, "'records' must be a list of objects"};
  if (records.size() > bounds::records_at_once)
    return Error{Code::invalid, fmt::format("a request holds at most {} records", bounds::records_at_once)};
  for (size_t i = 0; i < records.size(); ++i) MILLRACE_DO(check_record(records[i], i));
  Counts counts;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    counts = {};
    const auto now = now_ms();
    MILLRACE_TRY(auto dataset, load(session, caller.workspace, id));
    std::string by;
    for (const auto& record : records) {
      MILLRACE_TRY(const bool there, upsert_one(session, caller, id, record, context_.random, now));
      ++(there ? counts.updated : counts.inserted);
      note_fields(dataset.fields, record);
      if (auto user = string_or(part_of(record, "tags"), "mlflow.user", ""); !user.empty()) by = std::move(user);
    }
    MILLRACE_DO(touch(session, caller.workspace, dataset, now, by));
    MILLRACE_DO(session.execute("UPDATE eval_datasets SET fields = ? WHERE workspace = ? AND id = ?",
                                {text_of(dataset.fields), caller.workspace, id}));
    auto change = change_of("records_upserted", id, {{"inserted", counts.inserted}, {"updated", counts.updated}});
    change.after = digest_of(to_text(records));
    return change;
  }));
  return counts;
}

Result<track::Page<Record>> Datasets::records(const Caller& caller, const std::string& id, int64_t max_results,
                                              const std::string& page_token) const {
  MILLRACE_DO(track::check_page(max_results, bounds::page));
  std::string after;
  store::Values values{caller.workspace, id};
  if (!page_token.empty()) {
    MILLRACE_TRY(const auto last, track::read_token(page_token, id, 2));
    if (!last[0].is_number_integer() || !last[1].is_string()) return Error{Code::invalid, "Invalid page token"};
    after = "AND (create_time > ? OR (create_time = ? AND id > ?)) ";
    for (const int i : {0, 0}) values.emplace_back(last[static_cast<size_t>(i)].get<int64_t>());
    values.emplace_back(last[1].get<std::string>());
  }
  values.emplace_back(max_results + 1);
  track::Page<Record> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_DO(load(session, caller.workspace, id));
    MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM eval_records WHERE workspace = ? AND "
                                                            "dataset_id = ? {}ORDER BY create_time, id LIMIT ?",
                                                            kColumns, after),
                                                values));
    for (const auto& row : rows) {
      if (page.items.size() == static_cast<size_t>(max_results)) {
        page.next = track::make_token(Json::array({page.items.back().create_time, page.items.back().id}), id);
        break;
      }
      page.items.push_back(to_record(row));
    }
    return {};
  }));
  return page;
}

Result<int64_t> Datasets::remove_records(const Caller& caller, const std::string& id,
                                         const std::vector<std::string>& records) {
  int64_t count = 0;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto dataset, load(session, caller.workspace, id));
    count = 0;
    Json gone = Json::array();
    for (const auto& each : records) {
      MILLRACE_TRY(const auto done,
                   session.execute("DELETE FROM eval_records WHERE workspace = ? AND dataset_id = ? AND id = ?",
                                   {caller.workspace, id, each}));
      if (done > 0) gone.push_back(each);
      count += done;
    }
    if (count == 0) return lineage::Change{};
    MILLRACE_DO(touch(session, caller.workspace, dataset, now_ms(), ""));
    return change_of("records_deleted", id, {{"record_ids", std::move(gone)}});
  }));
  return count;
}

}  // namespace millrace::evaluation
