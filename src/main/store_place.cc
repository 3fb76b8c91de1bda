#include "main/store_place.h"

#include <cstdlib>

#include <fmt/format.h>

#include "core/files.h"
#include "core/json.h"
#include "core/project.h"
#include "store/open.h"

namespace millrace {
namespace {

constexpr size_t kBindingBytes = 4096;
constexpr const char* kOnlyWriter = "main";  // of a store that nobody shares

std::string binding_file(const std::string& state) { return state + "/store.json"; }
std::string own_file(const std::string& state) { return state + "/meta.db"; }

Result<std::string> checked(const std::string& place, std::string_view from) {
  if (store::is_postgres(place)) return place;
  return Error{Code::invalid, fmt::format("the store that {} gives is no URL of PostgreSQL", from)}.hint(
      "write postgresql://USER@HOST:PORT/DATABASE; without one the metadata is in the state folder");
}

// "" = it names none.
Result<std::string> place_of_project(const std::string& folder) {
  if (folder.empty()) return std::string();
  MILLRACE_TRY(const auto project, load_project(folder));
  const auto* value = project.section("store");
  if (value == nullptr) return std::string();
  MILLRACE_TRY(const auto written, value->string());
  if (store::is_postgres(written) && store::has_password(written))
    return value->error("a password does not stand in millrace.yaml")
        .hint("write store: ${env:NAME} or ${file:PATH} and keep the URL there");
  MILLRACE_TRY(const auto place, resolve_secret(project, *value));
  return checked(place, "millrace.yaml");
}

Result<std::string> wanted_place(const std::string& given, const std::string& project) {
  if (!given.empty()) return checked(given, "--store");
  if (const char* set = std::getenv("MILLRACE_STORE"); set != nullptr && *set != '\0')
    return checked(set, "MILLRACE_STORE");
  return place_of_project(project);
}

Result<std::string> identity_of(const store::Database& database) {
  std::string id;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT id FROM store_identity"));
    if (row) id = row->text(0);
    return {};
  }));
  return id;
}

Result<std::string> find_place(const std::string& given, const std::string& project, const std::string& state) {
  MILLRACE_TRY(auto wanted, wanted_place(given, project));
  if (wanted.empty() && exists(binding_file(state)))
    return Error{Code::conflict, "the metadata of this state folder is in PostgreSQL, and no URL was given"}
        .at({.file = binding_file(state)})
        .hint("give it with --store, in MILLRACE_STORE or as store: in millrace.yaml");
  if (!wanted.empty() && exists(own_file(state)))
    return Error{Code::conflict, "this state folder holds its metadata itself"}
        .at({.file = own_file(state)})
        .hint("give another --state folder for a store in PostgreSQL; nothing is moved from one to the other");
  return wanted.empty() ? own_file(state) : wanted;
}

struct Binding {
  std::string writer, database;  // database "" = not bound yet
};

Result<Binding> read_binding(const std::string& file, Context& context) {
  if (!exists(file)) return Binding{.writer = context.uuid(), .database = ""};
  MILLRACE_TRY(const auto text, read_file(file, kBindingBytes));
  const auto saved = parse_json(text, file);
  Binding out;
  if (saved) out = {.writer = string_or(*saved, "writer", ""), .database = string_or(*saved, "database", "")};
  if (!out.writer.empty() && !out.database.empty()) return out;
  return Error{Code::corrupt, "this does not say which writer of which database the state folder is"}
      .at({.file = file})
      .hint("restore the file from a backup, or take a new --state folder");
}

}  // namespace

Result<OpenStore> open_store(const std::string& given, const std::string& project, const std::string& state,
                             Context& context) {
  OpenStore out;
  MILLRACE_TRY(out.place, find_place(given, project, state));
  if (!store::is_postgres(out.place)) {
    out.writer = kOnlyWriter;
    MILLRACE_TRY(out.database, store::open_database(out.place, context));
    return out;
  }
  const auto file = binding_file(state);
  MILLRACE_TRY(const auto binding, read_binding(file, context));
  out.writer = binding.writer;
  MILLRACE_TRY(out.database, store::open_database(out.place, context, out.writer));
  MILLRACE_TRY(const auto identity, identity_of(*out.database));
  if (!binding.database.empty() && binding.database != identity)
    return Error{Code::conflict,
                 fmt::format("this state folder belongs to another database than {}", store::shown_place(out.place))}
        .at({.file = file})
        .hint("give the URL of its database, or another --state folder");
  if (binding.database.empty())
    MILLRACE_DO(write_file(file, to_text(Json{{"database", identity}, {"writer", out.writer}}) + "\n"));
  return out;
}

}  // namespace millrace
