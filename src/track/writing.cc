#include "track/writing.h"

#include <fmt/format.h>

#include "store/writer.h"
#include "track/search/query.h"

namespace millrace::track {
namespace {

// A file that was sent is put in place in less; a server that does not come back is not waited for any longer.
constexpr Micros kLongest = 3'600 * Micros{1'000'000};

const store::SharedStore* shared(const store::Database& database) {
  return dynamic_cast<const store::SharedStore*>(&database);
}

}  // namespace

Writing::Writing(WritingParts parts, const Caller& caller, const std::string& path, Below below)
    : parts_(parts), caller_(caller), path_(path), below_(below) {
  while (path_.ends_with('/')) path_.pop_back();
}

Writing::~Writing() {
  if (!begun_) return;
  const auto gone = parts_.journal.write(caller_, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto rows,
                 session.execute("DELETE FROM track_writing WHERE workspace = ? AND path = ? AND id = ?",
                                 {caller_.workspace, path_, id_}));
    (void)rows;
    return lineage::Change{};
  });
  if (!gone) parts_.context.log.warn("track.writing_not_ended", {{"path", path_}, {"error", gone.error().text()}});
}

Result<void> Writing::begin() {
  const auto* store = shared(parts_.database);
  if (store == nullptr)
    return parts_.database.read(
        [&](store::Session& session) { return check_path_open(session, caller_.workspace, path_, below_); });
  id_ = parts_.context.uuid();
  MILLRACE_TRY(const auto line, parts_.journal.write(caller_, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_path_open(session, caller_.workspace, path_, below_));
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO track_writing (workspace, path, id, writer, begun_at) VALUES (?, ?, ?, "
                                 "?, ?)",
                                 {caller_.workspace, path_, id_, store->writer(), parts_.context.now()}));
    (void)rows;
    return lineage::Change{};
  }));
  (void)line;
  begun_ = true;
  return {};
}

Result<void> Writing::end(store::Session& session) {
  if (!begun_) return {};
  MILLRACE_TRY(const auto rows, session.execute("DELETE FROM track_writing WHERE workspace = ? AND path = ? AND id = ?",
                                                {caller_.workspace, path_, id_}));
  if (rows > 0) return {};
  return check_path_open(session, caller_.workspace, path_, below_);
}

Result<bool> is_being_written(store::Session& session, const WritingParts& parts, const std::string& workspace,
                              const std::string& path) {
  const auto* store = shared(parts.database);
  if (store == nullptr) return false;
  MILLRACE_TRY(const auto old,
               session.execute("DELETE FROM track_writing WHERE begun_at <= ?", {parts.context.now() - kLongest}));
  (void)old;
  std::vector<std::string> here{path};
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    here.push_back(path.substr(0, slash));
  store::Values values{workspace, store->writer()};
  const auto listed = placeholders(here, values);
  values.emplace_back(path + "/");
  values.emplace_back(path + "0");  // the character after '/'
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT 1 FROM track_writing WHERE workspace = ? AND (writer <> ? OR writer = "
                                         "'') AND (path IN ({}) OR (path > ? AND path < ?)) LIMIT 1",
                                         listed),
                             values));
  return row.has_value();
}

Result<void> forget_writing(const WritingParts& parts) {
  const auto* store = shared(parts.database);
  if (store == nullptr || store->writer().empty()) return {};
  return parts.database.write([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.execute("DELETE FROM track_writing WHERE writer = ?", {store->writer()}));
    (void)rows;
    return {};
  });
}

}  // namespace millrace::track
