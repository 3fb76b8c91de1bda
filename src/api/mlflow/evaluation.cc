#include "evaluation/datasets.h"

#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

// Texts that hold JSON: the protocol's way for values of any shape.
Json dataset_json(const evaluation::Dataset& it) {
  Json out{{"dataset_id", it.id},
           {"name", it.name},
           {"digest", it.digest},
           {"created_time", it.create_time},
           {"last_update_time", it.update_time},
           {"tags", to_text(Json(it.tags))},
           {"experiment_ids", it.experiment_ids}};
  if (!it.fields.is_null()) out["schema"] = to_text(it.fields);
  if (it.records > 0) out["profile"] = to_text({{"num_records", it.records}});
  if (!it.created_by.empty()) out["created_by"] = it.created_by;
  if (!it.updated_by.empty()) out["last_updated_by"] = it.updated_by;
  return out;
}
Json wrapped(const evaluation::Dataset& it) { return Json{{"dataset", dataset_json(it)}}; }

Json record_json(const evaluation::Record& it) {
  Json out{{"dataset_record_id", it.id},
           {"dataset_id", it.dataset_id},
           {"inputs", it.inputs},
           {"tags", it.tags.is_null() ? Json::object() : it.tags},
           {"created_time", it.create_time},
           {"last_update_time", it.update_time}};
  for (const auto& [name, value] :
       {std::pair{"outputs", &it.outputs}, {"expectations", &it.expectations}, {"source", &it.source}})
    if (!value->is_null()) out[name] = *value;
  if (!it.source.is_null()) {
    out["source_type"] = string_or(it.source, "source_type", "UNSPECIFIED");
    if (const auto* data = find(it.source, "source_data"))
      for (const auto* name : {"trace_id", "source_id"})
        if (const auto id = string_or(*data, name, ""); !id.empty() && !out.contains("source_id"))
          out["source_id"] = id;
  }
  if (!it.created_by.empty()) out["created_by"] = it.created_by;
  if (!it.updated_by.empty()) out["last_updated_by"] = it.updated_by;
  return out;
}

// The JSON inside of a text field; null when it is not given.
Json inner_json(Body& in, std::string_view name) {
  const auto text = in.text_or(name);
  if (text.empty()) return Json();
  auto read = parse_json(text, name);
  if (read) return std::move(*read);
  in.refuse_text(name, text, read.error().text());
  return Json();
}

std::map<std::string, std::string> read_tags(Body& in) {
  std::map<std::string, std::string> out;
  const auto json = inner_json(in, "tags");
  if (json.is_null()) return out;
  if (!json.is_object()) return in.refuse_text("tags", to_text(json), "a text with a JSON object is needed"), out;
  for (const auto& [key, value] : json.items())
    if (!value.is_null()) out[key] = value.is_string() ? value.get<std::string>() : to_text(value);
  return out;
}

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  const auto experiments = in.texts("experiment_ids");
  const auto tags = read_tags(in);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->create(request.caller, name, tags, experiments), wrapped);
}

Reply get(Request& request, const Services& s) {
  return reply_of(s.evaluation->get(request.caller, request.arg("dataset_id")), wrapped);
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  return in.failed() ? error_reply(in.error())
                     : reply_of(s.evaluation->remove(request.caller, request.arg("dataset_id")));
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  evaluation::Search wanted;
  wanted.experiment_ids = in.texts("experiment_ids");
  wanted.filter = in.text_or("filter_string");
  wanted.order_by = in.texts("order_by");
  wanted.max_results = in.integer_or("max_results", 1'000);
  wanted.page_token = in.text_or("page_token");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->search(request.caller, wanted), [](const auto& page) {
    Json out = Json::object();
    for (const auto& each : page.items) out["datasets"].push_back(dataset_json(each));
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  });
}

Reply upsert(Request& request, const Services& s) {
  auto in = Body::of(request);
  in.text("records");
  const auto records = inner_json(in, "records");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->upsert(request.caller, request.arg("dataset_id"), records), [](const auto& counts) {
    return Json{{"inserted_count", counts.inserted}, {"updated_count", counts.updated}};
  });
}

Reply list_records(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto most = in.integer_or("max_results", 1'000);
  const auto token = in.text_or("page_token");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->records(request.caller, request.arg("dataset_id"), most, token), [](const auto& page) {
    Json records = Json::array();
    for (const auto& each : page.items) records.push_back(record_json(each));
    Json out{{"records", to_text(records)}};
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  });
}

Reply remove_records(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto ids = in.texts("dataset_record_ids");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->remove_records(request.caller, request.arg("dataset_id"), ids), [](int64_t count) {
    return Json{{"deleted_count", count}};
  });
}

Reply set_tags(Request& request, const Services& s) {
  auto in = Body::of(request);
  in.text("tags");
  const auto tags = read_tags(in);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->set_tags(request.caller, request.arg("dataset_id"), tags));
}

Reply delete_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  return in.failed()
             ? error_reply(in.error())
             : reply_of(s.evaluation->delete_tag(request.caller, request.arg("dataset_id"), request.arg("key")));
}

Reply add_experiments(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto ids = in.texts("experiment_ids");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->add_experiments(request.caller, request.arg("dataset_id"), ids), wrapped);
}

Reply remove_experiments(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto ids = in.texts("experiment_ids");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->remove_experiments(request.caller, request.arg("dataset_id"), ids), wrapped);
}

Reply experiment_ids(Request& request, const Services& s) {
  return reply_of(s.evaluation->get(request.caller, request.arg("dataset_id")), [](const auto& found) {
    return Json{{"experiment_ids", found.experiment_ids}};
  });
}

// The datasets that runs of these experiments logged.
Reply logged_by_runs(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto ids = in.texts("experiment_ids");
  if (ids.empty() && !in.failed()) in.text("experiment_ids");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.evaluation->logged_by_runs(request.caller, ids), [](const auto& found) {
    Json out = Json::object();
    for (const auto& each : found) {
      out["dataset_summaries"].push_back(
          {{"experiment_id", each.experiment_id}, {"name", each.name}, {"digest", each.digest}});
      if (!each.context.empty()) out["dataset_summaries"].back()["context"] = each.context;
    }
    return out;
  });
}

}  // namespace

void add_evaluation(Table& table) {
  const auto write = Permission::write, read = Permission::read;
  const std::string one = "/datasets/{dataset_id}";
  table.add_v3(
      {"POST", "/datasets/create", write, "evaluation.dataset_created", "Makes an evaluation dataset.", create});
  table.add_v3({"POST", "/datasets/search", read, "none", "Evaluation datasets by filter and order.", search});
  table.add_v3({"GET", one, read, "none", "One evaluation dataset.", get});
  table.add_v3({"DELETE", one, write, "evaluation.dataset_deleted", "Deletes an evaluation dataset.", remove});
  table.add_v3({"GET", one + "/records", read, "none", "The records of an evaluation dataset.", list_records});
  table.add_v3({"POST", one + "/records", write, "evaluation.records_upserted",
                "Adds records to an evaluation dataset, or merges them into those with the same inputs.", upsert,
                BodyLimit{evaluation::bounds::body_bytes}});
  table.add_v3({"DELETE", one + "/records", write, "evaluation.records_deleted",
                "Deletes records of an evaluation dataset.", remove_records});
  table.add_v3({"PATCH", one + "/tags", write, "evaluation.tags_set", "Sets tags of an evaluation dataset.", set_tags});
  table.add_v3({"DELETE", one + "/tags/{key...}", write, "evaluation.tag_deleted",
                "Removes a tag of an evaluation dataset.", delete_tag});
  table.add_v3({"POST", one + "/add-experiments", write, "evaluation.experiments_added",
                "Gives an evaluation dataset to experiments.", add_experiments});
  table.add_v3({"POST", one + "/remove-experiments", write, "evaluation.experiments_removed",
                "Takes an evaluation dataset from experiments.", remove_experiments});
  table.add_v3(
      {"GET", one + "/experiment-ids", read, "none", "The experiments of an evaluation dataset.", experiment_ids});
  table.add({"POST", "/experiments/search-datasets", read, "none", "The datasets that runs of experiments logged.",
             logged_by_runs});
}

}  // namespace millrace::api::mlflow
