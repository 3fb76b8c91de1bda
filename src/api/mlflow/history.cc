#include <iterator>

#include "api/mlflow/table.h"
#include "api/mlflow/text.h"

namespace millrace::api::mlflow {
namespace {

constexpr int64_t kPage = 25'000;
constexpr int64_t kWhole = 1'000'000;  // points in one answer to clients that do not page
constexpr size_t kBulkRuns = 100;

// With an empty list too.
Reply list_reply(const std::vector<track::Metric>& points) {
  Text text;
  text.open('{');
  text.name("metrics");
  text.open('[');
  for (const auto& point : points) add(text, point);
  text.close(']');
  text.close('}');
  return {.status = 200, .body = text.take()};
}

// Clients that send no max_results expect everything at once.
Reply get_history(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  track::HistoryRange range{.key = in.text("metric_key"), .limit = kPage, .page_token = in.text_or("page_token")};
  const auto asked = in.optional_integer("max_results");
  if (in.failed()) return error_reply(in.error());
  if (asked && *asked <= 0)
    return error_reply(
        Error{Code::invalid, "Invalid value " + std::to_string(*asked) +
                                 " for parameter 'max_results' supplied. It must be a positive integer."});
  if (asked) range.limit = std::min(*asked, kPage);
  track::Page<track::Metric> all;
  do {
    auto page = s.tracking.metric_history(request.caller, run, range);
    if (!page) return error_reply(page.error());
    std::move(page->items.begin(), page->items.end(), std::back_inserter(all.items));
    all.next = range.page_token = page->next;
  } while (!asked && !all.next.empty() && static_cast<int64_t>(all.items.size()) < kWhole);
  return page_reply<track::Metric>("metrics", std::move(all));
}

Reply get_bulk(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto runs = in.texts("run_id");
  const auto key = in.text("metric_key");
  const auto most = std::min(in.integer_or("max_results", kPage), kPage);
  if (in.failed()) return error_reply(in.error());
  if (runs.empty() || runs.size() > kBulkRuns || most < 1)
    return error_reply(
        Error{Code::invalid, "GetMetricHistoryBulk request must specify 1 to 100 run_ids and a positive max_results."});
  std::vector<track::Metric> all;
  for (const auto& run : runs) {
    const int64_t room = most - static_cast<int64_t>(all.size());
    if (room <= 0) break;
    auto page = s.tracking.metric_history(request.caller, run, {.key = key, .limit = room, .page_token = ""});
    if (!page) return error_reply(page.error());
    std::move(page->items.begin(), page->items.end(), std::back_inserter(all));
  }
  return list_reply(all);
}

Reply get_sampled(Request& request, const Services& s) {
  auto in = Body::of(request);
  const track::Sample sample{.run_ids = in.texts("run_ids"),
                             .key = in.text("metric_key"),
                             .start_step = in.optional_integer("start_step"),
                             .end_step = in.optional_integer("end_step"),
                             .points = in.integer_or("max_results", 2500),
                             .extremes = in.boolean_or("keep_extremes", false)};  // Millrace's own
  if (!in.failed() && sample.run_ids.empty()) in.text("run_ids");                 // names the missing parameter
  if (in.failed()) return error_reply(in.error());
  const auto points = s.tracking.sampled_history(request.caller, sample);
  return points ? list_reply(*points) : error_reply(points.error());
}

}  // namespace

void add_history(Table& table) {
  table.add({"GET", "/metrics/get-history", Permission::read, "none", "All points of a run's metric.", get_history});
  table.add({"GET", "/metrics/get-history-bulk", Permission::read, "none", "Points of one metric of several runs.",
             get_bulk});
  table.add({"GET", "/metrics/get-history-bulk-interval", Permission::read, "none",
             "Evenly chosen points of one metric of several runs.", get_sampled});
}

}  // namespace millrace::api::mlflow
