#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string answer_of(const Json& review) {
  if (string_or(review, "state", "") != "closed") return "open";
  return fmt::format("{} by {}", string_or(review, "decision", ""), string_or(review, "by", ""));
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows{{"id", "opened", "answer", "alerts", "about"}};
  for (std::string after;;) {
    MILLRACE_TRY(const auto page, gateway->call("GET", fmt::format("{}?state={}&after={}", address({"reviews"}),
                                                                   api::encode_path(in.args.get("--only")), after)));
    for (const auto& review : page.at("items")) {
      items.push_back(review);
      rows.push_back({string_or(review, "id", ""), string_or(review, "opened_at", "").substr(0, 10), answer_of(review),
                      fmt::format("{}", review.at("subjects").size()),
                      string_or(review, "summary", "").substr(0, 100)});
    }
    after = string_or(page, "next", "");
    if (after.empty()) break;
  }
  in.show({{"items", items}, {"next", nullptr}}, rows.size() == 1 ? std::string("no reviews\n") : table(rows));
  return 0;
}

std::string lines_of(const Json& review) {
  std::string out =
      fmt::format("{}: {}\n  {}\n", string_or(review, "node", ""), answer_of(review), string_or(review, "summary", ""));
  if (const auto why = string_or(review, "why", ""); !why.empty()) out += fmt::format("  {}\n", why);
  out += "about\n";
  for (const auto& subject : review.at("subjects"))
    out += fmt::format("  {}  {}\n", string_or(subject, "node", ""),
                       string_or(subject.at("evidence"), "what", string_or(subject, "summary", "")));
  return out;
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto review, gateway->call("GET", address({"reviews", in.args.get("ID")})));
  in.show(review, lines_of(review));
  return 0;
}

Result<int> close(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto review,
               gateway->call("POST", address({"reviews", in.args.get("ID"), "close"}),
                             {{"decision", in.args.get("--decision")}, {"why", in.args.get("--why")}}));
  in.show(review, lines_of(review));
  return 0;
}

}  // namespace

std::vector<Command> review_commands() {
  const std::vector<Positional> id{{"ID", "the review's id, or a unique prefix of it"}};
  return {{.name = "review list",
           .summary = "what people were asked, newest first",
           .positionals = {},
           .options = {{.name = "--only", .value = "STATE", .summary = "open or closed"}},
           .run = list},
          {.name = "review show",
           .summary = "one review with every alert that it is about",
           .positionals = id,
           .options = {},
           .run = show},
          {.name = "review close",
           .summary = "answer a review",
           .positionals = id,
           .options =
               {{.name = "--decision", .value = "WORD", .summary = "confirmed, dismissed or fixed", .required = true},
                {.name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true}},
           .run = close}};
}

}  // namespace millrace::cli
