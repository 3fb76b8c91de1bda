// What is different between two versions: files, and for tables schema, rows and distributions.
#include <fmt/format.h>

#include <cmath>

#include "cli/data/data_tables.h"
#include "cli/host.h"
#include "core/files.h"
#include "versions/tables/table_diff.h"

namespace millrace::cli {
namespace {

namespace v = versions;

constexpr size_t kShownFiles = 50;
constexpr size_t kListedFiles = 100'000;

std::string letter_of(v::Difference::Kind kind) {
  return kind == v::Difference::Kind::added ? "+" : kind == v::Difference::Kind::removed ? "-" : "~";
}

std::string typed(const Json& columns) {
  std::string out;
  for (const auto& [name, type] : columns.items())
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name,
                       type.is_string() ? type.get<std::string>()
                                        : string_or(type, "before", "") + " -> " + string_or(type, "after", ""));
  return out;
}

std::string table_lines(const Json& diff) {
  std::string out;
  for (const auto* what : {"added", "removed", "changed"})
    if (const auto& columns = diff.at("schema").at(what); !columns.empty())
      out += fmt::format("    columns {}: {}\n", what, typed(columns));
  const auto& rows = diff.at("rows");
  out += fmt::format("    rows: {} -> {}", with_commas(integer_or(rows, "before", 0)),
                     with_commas(integer_or(rows, "after", 0)));
  if (rows.contains("only_before"))
    out += fmt::format("; {} only before, {} only after", with_commas(integer_or(rows, "only_before", 0)),
                       with_commas(integer_or(rows, "only_after", 0)));
  out += "\n";
  std::vector<std::vector<std::string>> lines{{"    column", "nulls", "psi", "p"}};
  for (const auto& [name, column] : diff.at("columns").items()) {
    const auto& nulls = column.at("nulls");
    const auto psi = number_or(column, "psi", 0);
    if (nulls.at("before") == nulls.at("after") && std::fabs(psi) < 0.001) continue;
    lines.push_back({"    " + name,
                     fmt::format("{} -> {}", integer_or(nulls, "before", 0), integer_or(nulls, "after", 0)),
                     column.contains("psi") ? fmt::format("{:.4f}", psi) : "",
                     column.contains("p") ? fmt::format("{:.3g}", number_or(column, "p", 1)) : ""});
  }
  return lines.size() > 1 ? out + table(lines) : out;
}

Result<Json> compare_tables(TableSession& session, const std::string& before, const std::string& after) {
  MILLRACE_TRY(auto* engine, session.start());
  return v::diff_tables(*engine, before, after);
}

// "flights@v1 flights@v2": two states of a table.
Result<int> diff_versions_of_table(Invocation& in) {
  MILLRACE_TRY(const auto before, v::read_version_name(in.args.get("FROM")));
  MILLRACE_TRY(const auto after, v::read_version_name(in.args.get("TO")));
  MILLRACE_TRY(const auto session, TableSession::open(in));
  MILLRACE_TRY(auto* engine, session->start({before, after}));
  MILLRACE_TRY(const auto found,
               v::diff_tables(*engine, engine::quote_name(before.view()), engine::quote_name(after.view())));
  in.show(found, fmt::format("{} -> {}\n{}", before.view(), after.view(), table_lines(found)));
  return 0;
}

struct Side {
  v::TrackedPaths paths;
  std::string name;
};

Result<Side> side_of(v::Workspace& workspace, const std::string& ref) {
  if (ref.empty()) return Side{workspace.tracked().paths, std::string(v::kTrackedFile)};
  const v::History history(workspace);
  MILLRACE_TRY(const auto digest, history.resolve(ref));
  MILLRACE_TRY(const auto snapshot, history.snapshot(digest));
  return Side{snapshot.paths, ref};
}

class FileDiff {
 public:
  FileDiff(Invocation& in, TableSession& session) : in_(in), session_(session) {}

  Result<void> path(const std::string& path, const v::Entry* before, const v::Entry* after) {
    return v::compare(before, after, session_.workspace().fetch(), [&](const v::Difference& each) -> Result<void> {
      ++count_;
      if (items_.size() >= kListedFiles) return {};
      auto full = each;
      full.path = each.path.empty() ? path : path + "/" + each.path;
      return add(full);
    });
  }

  int show(const Side& from, const Side& to) {
    if (count_ == 0) lines_ = "no differences\n";
    if (count_ > static_cast<int64_t>(kShownFiles))
      lines_ += fmt::format("... {} files differ in all\n", with_commas(count_));
    in_.show(Json{{"from", from.name}, {"to", to.name}, {"count", count_}, {"files", items_}}, lines_);
    return count_ == 0 ? 0 : 1;
  }

 private:
  Result<void> add(const v::Difference& each) {
    Json item{{"path", each.path},
              {"change", name_of(each.kind)},
              {"bytes_before", each.before.size},
              {"bytes_after", each.after.size}};
    const bool shown = items_.size() < kShownFiles;
    if (shown)
      lines_ += fmt::format("{} {}  {} -> {} bytes\n", letter_of(each.kind), each.path, with_commas(each.before.size),
                            with_commas(each.after.size));
    if (each.kind == v::Difference::Kind::modified && v::is_table(each.path) && in_.args.has("--rows")) {
      MILLRACE_TRY(item["table"], of_table(each));
      if (shown)
        lines_ += item["table"].contains("error") ? "    " + string_or(item["table"], "error", "") + "\n"
                                                  : table_lines(item["table"]);
    }
    items_.push_back(std::move(item));
    return {};
  }

  // A file that only looks like a table is no reason to say nothing of the others.
  Result<Json> of_table(const v::Difference& each) {
    MILLRACE_TRY(const auto before, session_.tables().of_file(each.before, each.path));
    MILLRACE_TRY(const auto after, session_.tables().of_file(each.after, each.path));
    auto found = compare_tables(session_, before.relation, after.relation);
    if (!found && found.error().code() != Code::invalid) return found;
    return found ? *found : Json{{"error", found.error().text()}};
  }

  Invocation& in_;
  TableSession& session_;
  int64_t count_ = 0;
  Json items_ = Json::array();
  std::string lines_;
};

Result<int> diff(Invocation& in) {
  if (in.args.get("FROM").find('@') != std::string::npos && in.args.has("TO")) return diff_versions_of_table(in);
  MILLRACE_TRY(const auto session, TableSession::open(in));
  MILLRACE_TRY(const auto from, side_of(session->workspace(), in.args.get("FROM", "HEAD")));
  MILLRACE_TRY(const auto to, side_of(session->workspace(), in.args.get("TO")));
  FileDiff files(in, *session);
  std::map<std::string, std::pair<const v::Entry*, const v::Entry*>> pairs;
  for (const auto& [path, entry] : from.paths) pairs[path].first = &entry;
  for (const auto& [path, entry] : to.paths) pairs[path].second = &entry;
  for (const auto& [path, pair] : pairs) MILLRACE_DO(files.path(path, pair.first, pair.second));
  return files.show(from, to);
}

}  // namespace

std::vector<Command> data_diff_commands() {
  return {
      {.name = "data diff",
       .summary = "what differs between two versions (status 1 when something does), or two states of a table",
       .positionals = {{"FROM", "a tag, a branch, a snapshot (default: HEAD), or NAME@VERSION", false},
                       {"TO", "the same (default: what millrace-data.yaml says)", false}},
       .options = {{.name = "--rows", .value = "", .summary = "of changed tables also schema, rows and distributions"}},
       .run = diff}};
}

}  // namespace millrace::cli
