#include "api/ui/routes.h"

#include <fmt/format.h>

#include "api/coded.h"
#include "api/dispatch.h"
#include "api/ranges.h"
#include "core/codes/content_coding.h"

namespace millrace::api::ui {
namespace {

constexpr BodyLimit kNoBody{0};
constexpr std::string_view kAssets = "assets/";  // named by their content

// Nothing of another origin, no script but the files beside the page. Components set style attributes while they run;
// style elements need the page's nonce.
std::string content_security_policy(std::string_view nonce) {
  const auto styles = nonce.empty() ? std::string("'self'") : fmt::format("'self' 'nonce-{}'", nonce);
  return fmt::format(
      "default-src 'self'; script-src 'self'; style-src {}; style-src-attr 'unsafe-inline'; img-src 'self' data: "
      "blob:; "
      "font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri "
      "'none'; form-action 'self'",
      styles);
}

void add_guards(Reply& reply, std::string_view nonce) {
  const std::pair<std::string, std::string> guards[] = {
      {"content-security-policy", content_security_policy(nonce)},
      {"referrer-policy", "no-referrer"},
      {"permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
      {"cross-origin-opener-policy", "same-origin"},
      {"cross-origin-resource-policy", "same-origin"},
      {"x-frame-options", "DENY"},
  };
  for (const auto& guard : guards) reply.headers.push_back(guard);
}

struct Coded {
  std::string_view coding, bytes;
};

Coded best_of(const File& file, std::string_view accept) {
  const int br = file.br.empty() ? 0 : weight_of_coding(accept, "br");
  const int gzip = file.gzip.empty() ? 0 : weight_of_coding(accept, "gzip");
  if (br > 0 && br >= gzip) return {"br", file.br};
  if (gzip > 0) return {"gzip", file.gzip};
  return {"", file.plain};
}

Reply send(const Request& in, const File& file, std::string_view cache) {
  const auto [coding, bytes] = best_of(file, in.header("accept-encoding"));
  const auto hex = file.digest.substr(file.digest.find(':') + 1, 32);
  const auto etag = fmt::format("\"{}{}{}\"", hex, coding.empty() ? "" : "-", coding);
  const bool known = wanted_bytes(in, static_cast<int64_t>(bytes.size()), etag).status == 304;
  auto reply = Reply::empty(known ? 304 : 200);
  reply.headers = {{"etag", etag}, {"cache-control", std::string(cache)}, {"vary", "accept-encoding"}};
  add_guards(reply, "");
  if (known) return reply;
  reply.content_type = file.media_type;
  reply.body = bytes;
  if (!coding.empty()) reply.headers.emplace_back("content-encoding", std::string(coding));
  return reply;
}

Reply send_index(const Request& in, const File& index, Context& context) {
  if (index.plain.find(kNoncePlace) == std::string_view::npos) return send(in, index, "no-store");
  const auto nonce = make_hex(context.random, 16);
  auto reply = Reply::empty();
  reply.content_type = index.media_type;
  for (auto rest = index.plain; !rest.empty();) {
    const auto at = std::min(rest.find(kNoncePlace), rest.size());
    reply.body += rest.substr(0, at);
    rest.remove_prefix(at);
    if (rest.empty()) break;
    reply.body += nonce;
    rest.remove_prefix(kNoncePlace.size());
  }
  reply.headers = {{"cache-control", "no-store"}};
  add_guards(reply, nonce);
  pack_answer(in, reply);
  return reply;
}

Reply problem_of(const Request& in, const Error& error) {
  auto reply = error_reply(in.path, error, in.caller.request_id);
  reply.headers.emplace_back("cache-control", "no-store");
  return reply;
}

// A page of the UI names no file: index.html draws it. An asset that is gone is said to be, or a browser would take the
// page for a script.
Reply answer(const Files& files, Context& context, const Request& in) {
  const auto& path = in.arg("path");
  const bool asset = path.starts_with(kAssets);
  if (!path.empty()) {
    const auto found = files.find(path);
    if (!found) return problem_of(in, found.error());
    if (*found && path != "index.html")
      return send(in, **found, asset ? "public, max-age=31536000, immutable" : "no-cache");
    if (asset)
      return problem_of(in, Error{Code::not_found, fmt::format("the UI has no file {}", in.path)}.hint(
                                "load the page again: the server has another version of the UI by now"));
  }
  const auto index = files.find("index.html");
  if (!index) return problem_of(in, index.error());
  if (!*index) return problem_of(in, Error{Code::not_found, "there is no web UI here"}.hint(files.missing()));
  return send_index(in, **index, context);
}

Reply redirect() {
  auto reply = Reply::empty(302);
  reply.headers = {{"location", "/ui/"}, {"cache-control", "no-store"}, {"vary", "accept"}};
  return reply;
}

}  // namespace

Routes routes(const Files& files, Context& context) {
  const auto run = files.waits() ? Run::worker : Run::inline_;
  Routes out{{"GET", "/ui/{path...}", Permission::open, kNoBody, "none", run,
              [&files, &context](Request& in) { return answer(files, context, in); }, "The web UI."},
             {"GET", "/ui", Permission::open, kNoBody, "none", Run::inline_, [](Request&) { return redirect(); },
              "The way to the web UI."},
             {"GET", "/", Permission::open, kNoBody, "none", Run::inline_,
              [](Request& in) {
                if (in.header("accept").find("text/html") != std::string_view::npos) return redirect();
                return problem_of(in, Error{Code::not_found, "there is no GET /"});
              },
              "The way to the web UI for browsers."}};
  for (auto& route : out) route.quiet = true;
  return out;
}

}  // namespace millrace::api::ui
