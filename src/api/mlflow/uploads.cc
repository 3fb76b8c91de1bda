#include <charconv>
#include <string>

#include <fmt/format.h>

#include "api/mlflow/table.h"
#include "core/limits/transfer_limits.h"

namespace millrace::api::mlflow {
namespace {

constexpr std::string_view kParts = "/api/2.0/mlflow-artifacts/mpu/parts";

// The folder is in the address, the file's name is the last part of the client's own path.
Result<std::string> target_of(const Request& request, const std::string& local_path) {
  const auto name = local_path.substr(local_path.find_last_of("/\\") + 1);
  if (name.empty())
    return Error{Code::invalid, "Invalid value for parameter 'path' supplied: it ends without a file's name"};
  const auto& folder = request.arg("path");
  return folder.empty() ? name : folder + "/" + name;
}

// As the client reached us: a proxy in front says what it was called by.
Result<std::string> own_address(const Request& request) {
  auto host = request.header("x-forwarded-host");
  if (host.empty()) host = request.header("host");
  const auto scheme = request.header("x-forwarded-proto");
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  };
  if (host.empty() || !std::all_of(host.begin(), host.end(), plain))
    return Error{Code::invalid, "the Host header names no host"}.at_field("Host");
  return fmt::format("{}://{}", scheme == "https" ? "https" : "http", host);
}

int64_t part_number(const Request& request) {
  const auto& text = request.arg("number");
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::string key_of(const Request& request) { return request.query_value("key").value_or(""); }

Result<void> check_part(const Request& request, const Services& s) {
  return s.tracking.check_upload(request.arg("id"), key_of(request), part_number(request));
}

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto path = in.text("path");
  const auto parts = in.integer_or("num_parts", 1);
  if (in.failed()) return error_reply(in.error());
  const auto work = [&]() -> Result<Json> {
    MILLRACE_TRY(const auto target, target_of(request, path));
    MILLRACE_TRY(const auto address, own_address(request));
    MILLRACE_TRY(const auto upload, s.tracking.create_upload(request.caller, target, parts));
    Json credentials = Json::array();
    for (int64_t i = 1; i <= parts; ++i)
      credentials.push_back({{"url", fmt::format("{}{}/{}/{}?key={}", address, kParts, upload.id, i, upload.key)},
                             {"part_number", i},
                             {"headers", Json::object()}});
    return Json{{"upload_id", upload.id}, {"credentials", std::move(credentials)}};
  };
  return reply_of(work(), [](const Json& value) { return value; });
}

Reply put_part(Request& request, const Services& s) {
  if (request.body_file.empty()) return error_reply(Error{Code::invalid, "a part holds at least one byte"});
  const auto tag = s.tracking.put_upload_part(request.arg("id"), key_of(request), part_number(request),
                                              request.body_file, request.body_digest);
  if (!tag) return error_reply(tag.error());
  auto reply = Reply::json(Json::object());
  reply.headers.emplace_back("etag", "\"" + *tag + "\"");
  return reply;
}

Reply list_parts(Request& request, const Services& s) {
  return reply_of(s.tracking.upload_parts(request.arg("id"), key_of(request)), [](const auto& parts) {
    Json out{{"parts", Json::array()}};
    for (const auto& part : parts)
      out["parts"].push_back({{"part_number", part.number}, {"etag", "\"" + part.tag + "\""}, {"size", part.size}});
    return out;
  });
}

Reply complete(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto path = in.text("path"), id = in.text("upload_id");
  std::vector<track::UploadPart> parts;
  for (auto& each : in.objects("parts")) {
    parts.push_back({.number = each.integer("part_number"), .tag = each.text("etag")});
    in.check(each);
  }
  if (in.failed()) return error_reply(in.error());
  const auto target = target_of(request, path);
  if (!target) return error_reply(target.error());
  return reply_of(s.tracking.complete_upload(request.caller, *target, id, parts));
}

Reply abort(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto path = in.text("path"), id = in.text("upload_id");
  if (in.failed()) return error_reply(in.error());
  const auto target = target_of(request, path);
  if (!target) return error_reply(target.error());
  return reply_of(s.tracking.abort_upload(request.caller, *target, id));
}

}  // namespace

void add_uploads(Table& table) {
  const auto proxy = [&](Endpoint endpoint) {
    table.add_below({"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"}, endpoint);
  };
  proxy({"POST", "/mpu/create/{path...}", Permission::write, "artifact.upload.started",
         "Begins an upload in parts: an address for each.", create});
  proxy({"POST", "/mpu/complete/{path...}", Permission::write, "artifact.written",
         "Joins the parts of an upload and puts the file in place.", complete});
  proxy({"POST", "/mpu/abort/{path...}", Permission::write, "artifact.upload.aborted", "Gives an upload in parts up.",
         abort});
  // The key in the address is the login.
  table.add_below({"/api/2.0/mlflow-artifacts"},
                  {"PUT", "/mpu/parts/{id}/{number}", Permission::open, "none", "Sends one part of an upload.",
                   put_part, BodyLimit{limits::artifact_bytes, true}, check_part});
  table.add_below({"/api/2.0/mlflow-artifacts"}, {"GET", "/mpu/parts/{id}", Permission::open, "none",
                                                  "The parts of an upload that have come.", list_parts});
}

}  // namespace millrace::api::mlflow
