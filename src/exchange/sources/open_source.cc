#include <sys/stat.h>

#include <fmt/format.h>

#include "core/files.h"
#include "exchange/sources/postgres_reader.h"
#include "exchange/sources/source.h"
#include "exchange/sources/sql_source.h"
#include "exchange/sources/sqlite_file.h"
#include "exchange/sources/url.h"

namespace millrace::exchange {
namespace {

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<std::unique_ptr<Source>> open_sqlite_source(const std::string& path, const std::string& workspace) {
  MILLRACE_TRY(auto file, SqliteFile::open(path));
  const auto folder = parent_of(path);
  // Where MLflow's client and server put artifacts when nobody says otherwise.
  return open_sql_source(
      std::move(file),
      {.name = "sqlite:" + path, .folders = {folder + "/mlruns", folder + "/mlartifacts"}, .workspace = workspace});
}

// It does not say where its server keeps artifacts.
Result<std::unique_ptr<Source>> open_postgres_source(const std::string& url, const std::string& workspace,
                                                     const std::string& password) {
  MILLRACE_TRY(auto reader, PostgresReader::open(url, password));
  const auto name = reader->name();
  return open_sql_source(std::move(reader), {.name = name, .folders = {}, .workspace = workspace});
}

}  // namespace

std::string local_path(const std::string& uri, const std::string& base) {
  if (uri.starts_with("file:")) {
    auto rest = std::string_view(uri).substr(5);
    if (rest.starts_with("//")) {
      rest.remove_prefix(2);
      if (rest.starts_with("localhost/")) rest.remove_prefix(9);
    }
    return rest.starts_with('/') ? unescaped(rest) : std::string();
  }
  const auto colon = uri.find(':');
  if (colon != std::string::npos && uri.substr(0, colon).find('/') == std::string::npos) return "";
  if (uri.empty()) return "";
  return uri.front() == '/' ? uri : base + "/" + uri;
}

Result<std::unique_ptr<Source>> open_source(const std::string& where, const std::string& workspace,
                                            const std::string& password) {
  if (const auto url = postgres_url(where); !url.empty()) return open_postgres_source(url, workspace, password);
  constexpr std::string_view sqlite = "sqlite:///";
  if (where.starts_with(sqlite)) return open_sqlite_source(absolute(where.substr(sqlite.size())), workspace);
  const auto path = local_path(where, absolute("."));
  if (path.empty())
    return Error{Code::unsupported, fmt::format("a source of the scheme '{}' cannot be read",
                                                where.substr(0, where.find(':')).substr(0, 80))}
        .hint(
            "give the file of a SQLite database, sqlite:///FILE, postgresql://..., or a folder that MLflow's file "
            "store "
            "wrote (mlruns)");
  if (is_folder(path)) return open_mlruns(path);
  if (!exists(path)) return Error{Code::not_found, "there is no such file or folder"}.at({.file = path});
  return open_sqlite_source(absolute(path), workspace);
}

}  // namespace millrace::exchange
