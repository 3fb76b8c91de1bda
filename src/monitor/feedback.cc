#include "monitor/feedback.h"

#include <algorithm>
#include <cctype>
#include <tuple>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/hash.h"
#include "monitor/event_clock.h"

namespace millrace::monitor {
namespace {

constexpr std::string_view kKnown[] = {"prediction_id", "row", "label", "event_time"};

std::string field_of(size_t index, std::string_view name) { return fmt::format("items[{}].{}", index, name); }

// As the data plane writes them: 36 lower-case characters of a UUID.
bool is_prediction_id(std::string_view id) {
  if (id.size() != 36) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f');
    if (dash ? id[i] != '-' : !hex) return false;
  }
  return true;
}

Result<int64_t> read_truth(const Json& item, size_t index) {
  const auto* label = find(item, "label");
  if (label == nullptr) return Error{Code::invalid, "'label' is missing"}.at_field(field_of(index, "label"));
  if (label->is_boolean()) return label->get<bool>() ? 1 : 0;
  if (label->is_number()) {
    const double value = label->get<double>();
    if (value == 0 || value == 1) return static_cast<int64_t>(value);
  }
  return Error{Code::invalid, fmt::format("the label {} is not 0 or 1", to_text(*label).substr(0, 50))}
      .at_field(field_of(index, "label"))
      .hint("labels of two classes are watched: 1 where the event came true, 0 where it did not");
}

Result<void> check(const Label& label, size_t index) {
  if (!is_prediction_id(label.prediction_id))
    return Error{Code::invalid, fmt::format("'{}' is not the id of a prediction", label.prediction_id.substr(0, 50))}
        .at_field(field_of(index, "prediction_id"))
        .hint("the answer to a request names it: parameters.millrace_prediction_id");
  if (label.row < 0 || label.row >= limits::prediction_rows)
    return Error{Code::invalid, fmt::format("row {} is not from 0 to {}", label.row, limits::prediction_rows - 1)}
        .at_field(field_of(index, "row"));
  if (label.label != 0 && label.label != 1)
    return Error{Code::invalid, fmt::format("the label {} is not 0 or 1", label.label)}.at_field(
        field_of(index, "label"));
  if (label.event_time < 0)
    return Error{Code::invalid, "event_time lies before 1970"}.at_field(field_of(index, "event_time"));
  return {};
}

// In order of their keys, which is also the order of the table; two of one key are refused.
Result<void> check_all(std::vector<Label>& labels) {
  if (labels.size() > limits::feedback_items)
    return Error{Code::too_large,
                 fmt::format("{} labels in one call, and {} are the most", labels.size(), limits::feedback_items)}
        .at_field("items")
        .hint("send them in several calls; sending some twice does no harm");
  for (size_t i = 0; i < labels.size(); ++i) MILLRACE_DO(check(labels[i], i));
  const auto key = [](const Label& label) { return std::tie(label.prediction_id, label.row); };
  std::stable_sort(labels.begin(), labels.end(), [&](const Label& a, const Label& b) { return key(a) < key(b); });
  const auto twice = std::adjacent_find(labels.begin(), labels.end(),
                                        [&](const Label& a, const Label& b) { return key(a) == key(b); });
  if (twice == labels.end()) return {};
  return Error{Code::invalid, fmt::format("row {} of the prediction {} is labelled twice in one call", twice->row,
                                          twice->prediction_id)}
      .at_field("items")
      .hint("send a correction in a later call");
}

std::string digest_of_labels(const std::vector<Label>& labels) {
  Sha256 hash;
  for (const auto& label : labels)
    hash.update(fmt::format("{} {} {} {}\n", label.prediction_id, label.row, label.label, label.event_time));
  return hash.digest();
}

// One call's transaction.
class Recording {
 public:
  Recording(store::Session& session, const Caller& caller, std::string deployment, Micros now)
      : session_(session), caller_(caller), deployment_(std::move(deployment)), now_(now) {}

  Result<void> begin() {
    MILLRACE_TRY(const auto row, session_.first("SELECT max(batch) FROM labels WHERE workspace = ? AND deployment = ?",
                                                {caller_.workspace, deployment_}));
    batch_ = row && !row->is_null(0) ? row->integer(0) + 1 : 1;
    return {};
  }

  Result<void> add(const Label& label) {
    MILLRACE_TRY(const auto known,
                 session_.first("SELECT revision, label FROM labels WHERE workspace = ? AND deployment = ? AND "
                                "prediction_id = ? AND row_number = ? ORDER BY revision DESC LIMIT 1",
                                {caller_.workspace, deployment_, label.prediction_id, label.row}));
    if (known && known->integer(1) == label.label) return ++result_.unchanged, Result<void>{};
    ++(known ? result_.corrected : result_.accepted);
    MILLRACE_TRY(const auto done,
                 session_.execute(
                     "INSERT INTO labels (workspace, deployment, prediction_id, row_number, revision, label, "
                     "event_time, recorded_at, batch, subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     {caller_.workspace, deployment_, label.prediction_id, label.row, known ? known->integer(0) + 1 : 1,
                      label.label, label.event_time, now_, batch_, caller_.subject}));
    (void)done;
    return {};
  }

  lineage::Change change(const std::vector<Label>& labels, Micros event_time) const {
    if (result_.accepted + result_.corrected == 0) return {};
    Json body = result_.to_json();
    body["deployment"] = deployment_;
    body["batch"] = batch_;
    return {.kind = "feedback.recorded",
            .node = "deployment:" + deployment_,
            .after = digest_of_labels(labels),
            .body = std::move(body),
            .event_time = event_time};
  }
  const FeedbackResult& result() const { return result_; }

 private:
  store::Session& session_;
  const Caller& caller_;
  const std::string deployment_;
  const Micros now_;
  int64_t batch_ = 1;
  FeedbackResult result_;
};

}  // namespace

Json FeedbackResult::to_json() const {
  return {{"accepted", accepted}, {"unchanged", unchanged}, {"corrected", corrected}};
}

Result<Label> read_label(const Json& item, size_t index) {
  if (!item.is_object())
    return Error{Code::invalid, "an item is an object"}
        .at_field(fmt::format("items[{}]", index))
        .hint(R"(write {"prediction_id": ID, "label": 0 or 1})");
  for (const auto& [key, value] : item.items())
    if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown))
      return Error{Code::invalid, fmt::format("unknown field '{}'", key.substr(0, 50))}
          .at_field(field_of(index, key))
          .hint("known fields: prediction_id, row, label, event_time");
  Label out;
  const auto at = [&](auto result, std::string_view name) {
    if (!result) result = std::move(result).error().at_field(field_of(index, name));
    return result;
  };
  MILLRACE_TRY(out.prediction_id, at(get_string(item, "prediction_id"), "prediction_id"));
  if (find(item, "row") != nullptr) {
    MILLRACE_TRY(out.row, at(get_integer(item, "row"), "row"));
  }
  MILLRACE_TRY(out.label, read_truth(item, index));
  if (const auto* time = find(item, "event_time"); time != nullptr && !time->is_null()) {
    MILLRACE_TRY(const auto text, at(get_string(item, "event_time"), "event_time"));
    MILLRACE_TRY(out.event_time, at(parse_time(text), "event_time"));
  }
  MILLRACE_DO(check(out, index));
  return out;
}

Feedback::Feedback(lineage::Journal& journal, Context& context) : journal_(journal), context_(context) {}

Result<Feedback::Recorded> Feedback::record_checked(store::Session& session, const Caller& caller,
                                                    const std::string& deployment, std::vector<Label> labels) {
  MILLRACE_TRY(const auto clock, read_clock(session, caller.workspace, deployment));
  const Micros now = context_.now();
  const Micros event_now = clock.event_now != 0 ? clock.event_now : now;
  for (auto& label : labels)
    if (label.event_time == 0) label.event_time = event_now;
  Recording recording(session, caller, deployment, now);
  MILLRACE_DO(recording.begin());
  for (const auto& label : labels) MILLRACE_DO(recording.add(label));
  FAULT_POINT("monitor.feedback.before_commit");
  return Recorded{recording.result(), recording.change(labels, event_now)};
}

Result<FeedbackResult> Feedback::record_within(store::Session& session, const Caller& caller,
                                               const std::string& deployment, std::vector<Label> labels) {
  MILLRACE_DO(check_all(labels));
  MILLRACE_TRY(const auto recorded, record_checked(session, caller, deployment, std::move(labels)));
  return recorded.result;
}

Result<FeedbackResult> Feedback::record(const Caller& caller, const std::string& deployment,
                                        std::vector<Label> labels) {
  MILLRACE_DO(check_all(labels));
  FeedbackResult out;
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(auto recorded, record_checked(session, caller, deployment, labels));
    out = recorded.result;
    return std::move(recorded.change);
  });
  if (!written) return written.error();
  told(deployment, labels);
  return out;
}

}  // namespace millrace::monitor
