// Uploads in parts: a folder an upload, a file a part, rows that say what each part holds. A part is put in place first
// and noted then; what completes an upload trusts neither and reads every byte again. Any server that shares the rows
// and the store may be sent any of it.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/limits/transfer_limits.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

constexpr size_t kExpiredAtOnce = 1'000;
const std::string kUploads = "default";  // ids are of all workspaces

struct Row {
  std::string workspace, id, path, key_digest, state;
  int64_t parts = 0;
  Micros expires_at = 0;
};

Error no_upload(const std::string& id) {
  return Error{Code::not_found, fmt::format("there is no upload '{}'", id.substr(0, 64))}.hint(
      "it was aborted or has expired: begin again");
}

Result<Row> row_of(const std::optional<store::Row>& row, const std::string& id) {
  if (!row) return no_upload(id);
  return Row{.workspace = row->text(0),
             .id = id,
             .path = row->text(1),
             .key_digest = row->text(2),
             .state = row->text(3),
             .parts = row->integer(4),
             .expires_at = row->integer(5)};
}

Result<Row> load(store::Session& session, const std::string& id) {
  MILLRACE_TRY(
      const auto row,
      session.first("SELECT workspace, path, key_digest, state, parts, expires_at FROM track_uploads WHERE id = ?",
                    {id}));
  return row_of(row, id);
}

Result<Row> load_of(store::Session& session, const Caller& caller, const std::string& id, const std::string& path) {
  MILLRACE_TRY(auto row, load(session, id));
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(caller.workspace, path));
  if (row.workspace != caller.workspace) return no_upload(id);
  if (row.path != at.text())
    return Error{Code::invalid, fmt::format("the upload '{}' is of another path than '{}'", id, at.text())};
  return row;
}

Result<Row> load_open(store::Session& session, const std::string& id, const std::string& key, Micros now) {
  MILLRACE_TRY(auto row, load(session, id));
  const auto given = digest_of(key);
  if (given.size() != row.key_digest.size() || CRYPTO_memcmp(given.data(), row.key_digest.data(), given.size()) != 0)
    return Error{Code::denied, "the address of this part is not one that was given out"};
  if (row.state != "open" || row.expires_at <= now) return no_upload(id);
  return row;
}

Result<void> check_part(const Row& row, int64_t part) {
  if (part < 1 || part > row.parts)
    return Error{Code::invalid, fmt::format("part {} is not one of the {} parts of this upload", part, row.parts)};
  return {};
}

Result<std::vector<UploadPart>> load_parts(store::Session& session, const Row& row) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT number, digest, size FROM track_upload_parts WHERE workspace = ? AND "
                             "upload_id = ? ORDER BY number",
                             {row.workspace, row.id}));
  std::vector<UploadPart> out;
  for (const auto& each : rows) out.push_back({each.integer(0), each.text(1), each.integer(2)});
  return out;
}

Result<void> remove_rows(store::Session& session, const std::string& workspace, const std::string& id) {
  for (const auto* sql : {"DELETE FROM track_upload_parts WHERE workspace = ? AND upload_id = ?",
                          "DELETE FROM track_uploads WHERE workspace = ? AND id = ?"}) {
    MILLRACE_TRY(const auto done, session.execute(sql, {workspace, id}));
    (void)done;
  }
  return {};
}

std::string unquoted(std::string tag) {
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return tag;
}

// The client's list says the same as ours, and nothing is missing.
Result<void> compare(const Row& row, const std::vector<UploadPart>& have, const std::vector<UploadPart>& given) {
  if (static_cast<int64_t>(given.size()) != row.parts)
    return Error{Code::invalid, fmt::format("{} parts are listed, the upload has {}", given.size(), row.parts)};
  for (size_t i = 0; i < given.size(); ++i) {
    const auto number = static_cast<int64_t>(i) + 1;
    if (given[i].number != number)
      return Error{Code::invalid, fmt::format("part {} is listed where part {} belongs", given[i].number, number)};
    if (i >= have.size() || have[i].number != number)
      return Error{Code::invalid, fmt::format("part {} has not been sent", number)}.hint(
          "send it, then complete again");
    if (unquoted(given[i].tag) != have[i].tag)
      return Error{Code::invalid, fmt::format("the ETag of part {} is not that of what was sent", number)}.hint(
          "send the part again and use the ETag of the answer");
  }
  return {};
}

std::string part_path(const std::string& id, int64_t part) { return fmt::format("{}/{}", id, part); }

class Joined {
 public:
  static Result<Joined> open(const std::string& folder, const std::string& name) {
    MILLRACE_DO(make_folders(folder));
    const auto path = fmt::format("{}/{}{}", folder, kArtifactBeside, name);
    Joined out;
    out.file_.reset(std::fopen(path.c_str(), "wbxe"));
    if (!out.file_) return file_error("cannot join the parts", path, errno);
    out.path_ = path;
    return out;
  }
  Joined(Joined&& other) noexcept : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  ~Joined() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<void> append(const Artifacts& from, const std::string& path, const UploadPart& part, std::string& buffer) {
    const auto changed = [&] {
      return Error{Code::conflict, fmt::format("part {} is not what was sent", part.number)}.hint(
          "send it again, then complete again");
    };
    auto opened = from.open(kUploads, path);
    if (!opened) return opened.error().code() == Code::not_found ? changed() : std::move(opened).error();
    Sha256 of_part;
    while (true) {
      MILLRACE_TRY(const size_t got, opened->reader->read(buffer.data(), buffer.size()));
      if (got == 0) break;
      of_part.update(buffer.data(), got);
      whole_.update(buffer.data(), got);
      if (std::fwrite(buffer.data(), 1, got, file_.get()) != got)
        return file_error("cannot join the parts", path_, errno);
    }
    if (of_part.digest() != part.tag) return changed();
    return {};
  }

  Result<std::string> close() {  // the digest
    if (std::fclose(file_.release()) != 0) return file_error("cannot join the parts", path_, errno);
    return whole_.digest();
  }
  const std::string& path() const { return path_; }

 private:
  Joined() : file_(nullptr, &std::fclose) {}
  std::string path_;
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
  Sha256 whole_;
};

}  // namespace

Result<void> Tracking::remove_parts(const std::string& id) const {
  auto removed = places_.parts.remove(kUploads, id);
  if (!removed && removed.error().code() != Code::not_found) return removed;
  return {};
}

Result<Upload> Tracking::create_upload(const Caller& caller, const std::string& path, int64_t parts) {
  if (parts < 1 || parts > limits::upload_parts)
    return Error{Code::invalid,
                 fmt::format("Invalid value {} for parameter 'num_parts' supplied: an upload has 1 to {} parts", parts,
                             limits::upload_parts)};
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(caller.workspace, path));
  Upload made{.id = make_hex(context_.random, 16), .key = make_hex(context_.random, 32)};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(
        const auto open,
        session.first("SELECT count(*) FROM track_uploads WHERE workspace = ? AND state = 'open'", {caller.workspace}));
    if (open && open->integer(0) >= limits::uploads_open)
      return Error{Code::unavailable, "too many uploads in parts are unfinished"}.hint("finish or abort some of them");
    const auto now = context_.now();
    MILLRACE_TRY(const auto done,
                 session.execute("INSERT INTO track_uploads (workspace, id, path, parts, key_digest, state, subject, "
                                 "created_at, expires_at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?)",
                                 {caller.workspace, made.id, at.text(), parts, digest_of(made.key), caller.subject, now,
                                  now + limits::upload_life_us}));
    (void)done;
    return lineage::Change{.kind = "artifact.upload.started",
                           .node = "",
                           .before = "",
                           .after = "",
                           .why = "",
                           .body = {{"path", at.text()}, {"upload", made.id}, {"parts", parts}}};
  }));
  (void)line;
  return made;
}

Result<void> Tracking::check_upload(const std::string& id, const std::string& key, int64_t part) const {
  return database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, load_open(session, id, key, context_.now()));
    return check_part(row, part);
  });
}

Result<std::string> Tracking::put_upload_part(const std::string& id, const std::string& key, int64_t part,
                                              const std::string& spooled_file, const std::string& digest) {
  MILLRACE_DO(check_upload(id, key, part));
  MILLRACE_TRY(const auto stored, places_.parts.put(kUploads, part_path(id, part), spooled_file, digest));
  const auto size = stored.size;
  FAULT_POINT("track.upload.after_part");
  const Caller self{.workspace = "default", .subject = "upload", .roles = {}, .via = "mlflow", .request_id = ""};
  // No line of the journal: parts become something when the upload is complete.
  const auto noted = journal_.write(self, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto row, load_open(session, id, key, context_.now()));
    MILLRACE_TRY(
        const auto kept,
        session.execute("INSERT INTO track_upload_parts (workspace, upload_id, number, size, digest) VALUES (?, ?, "
                        "?, ?, ?) ON CONFLICT (workspace, upload_id, number) DO UPDATE SET size = excluded.size, "
                        "digest = excluded.digest",
                        {row.workspace, id, part, size, digest}));
    MILLRACE_TRY(const auto longer,
                 session.execute("UPDATE track_uploads SET expires_at = ? WHERE workspace = ? AND id = ?",
                                 {context_.now() + limits::upload_life_us, row.workspace, id}));
    (void)kept, (void)longer;
    return lineage::Change{};
  });
  if (noted) return digest;
  if (noted.error().code() == Code::not_found) MILLRACE_DO(remove_parts(id));  // aborted meanwhile
  return noted.error();
}

Result<std::vector<UploadPart>> Tracking::upload_parts(const std::string& id, const std::string& key) const {
  std::vector<UploadPart> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, load_open(session, id, key, context_.now()));
    MILLRACE_TRY(out, load_parts(session, row));
    return {};
  }));
  return out;
}

Result<void> Tracking::complete_upload(const Caller& caller, const std::string& path, const std::string& id,
                                       const std::vector<UploadPart>& given) {
  Row row;
  std::vector<UploadPart> have;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(row, load_of(session, caller, id, path));
    MILLRACE_TRY(have, load_parts(session, row));
    return {};
  }));
  if (row.state == "done") return {};
  if (row.expires_at <= context_.now()) return no_upload(id);
  MILLRACE_DO(compare(row, have, given));

  int64_t total = 0;
  for (const auto& part : have) total += part.size;
  if (static_cast<uint64_t>(total) > limits::artifact_bytes)
    return Error{Code::too_large,
                 fmt::format("the parts hold {} bytes, an artifact at most {}", total, limits::artifact_bytes)};
  MILLRACE_TRY(auto joined, Joined::open(places_.proxied.temp_folder(), context_.uuid()));
  std::string buffer(1 << 20, '\0');
  for (const auto& part : have) MILLRACE_DO(joined.append(places_.parts, part_path(id, part.number), part, buffer));
  MILLRACE_TRY(const auto digest, joined.close());
  FAULT_POINT("track.upload.after_join");
  MILLRACE_DO(store_artifact(caller, path, joined.path(), digest, [&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto done,
        session.execute("UPDATE track_uploads SET state = 'done' WHERE workspace = ? AND id = ?", {row.workspace, id}));
    (void)done;
    return {};
  }));
  return remove_parts(id);
}

Result<void> Tracking::abort_upload(const Caller& caller, const std::string& path, const std::string& id) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto row, load_of(session, caller, id, path));
    MILLRACE_DO(remove_rows(session, row.workspace, id));
    return lineage::Change{.kind = "artifact.upload.aborted",
                           .node = "",
                           .before = "",
                           .after = "",
                           .why = "",
                           .body = {{"path", row.path}, {"upload", id}}};
  }));
  (void)line;
  return remove_parts(id);
}

Result<int64_t> Tracking::expire_uploads() {
  int64_t expired = 0;
  while (true) {
    std::vector<std::pair<std::string, std::string>> late;
    MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(
          const auto rows,
          session.query("SELECT workspace, id FROM track_uploads WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
                        {context_.now(), static_cast<int64_t>(kExpiredAtOnce)}));
      for (const auto& row : rows) late.emplace_back(row.text(0), row.text(1));
      return {};
    }));
    if (late.empty()) return expired;
    for (const auto& [workspace, id] : late) {
      // The folder first: once the rows are gone nobody knows of it.
      MILLRACE_DO(remove_parts(id));
      FAULT_POINT("track.upload.expire");
      const Caller self{.workspace = workspace,
                        .subject = "millrace",
                        .roles = {"admin"},
                        .via = "job",
                        .request_id = context_.uuid()};
      MILLRACE_TRY(const auto line,
                   journal_.write(
                       self, [&, &id = id, &workspace = workspace](store::Session& session) -> Result<lineage::Change> {
                         auto row = load(session, id);
                         if (!row && row.error().code() == Code::not_found) return lineage::Change{};
                         if (!row) return std::move(row).error();
                         MILLRACE_DO(remove_rows(session, workspace, id));
                         if (row->state == "done") return lineage::Change{};
                         return lineage::Change{.kind = "artifact.upload.expired",
                                                .node = "",
                                                .before = "",
                                                .after = "",
                                                .why = "",
                                                .body = {{"path", row->path}, {"upload", id}}};
                       }));
      (void)line;
      ++expired;
    }
  }
}

// An upload has its rows before its first part, and an id is never used again.
Result<int64_t> Tracking::leftovers(Micros before, Leftovers what) {
  MILLRACE_TRY(auto count, places_.proxied.leftovers(before, what));
  MILLRACE_TRY(const auto more, places_.parts.leftovers(before, what));
  count += more;
  MILLRACE_TRY(const auto found, places_.parts.list(kUploads, ""));
  for (const auto& each : found) {
    bool known = false;
    MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto row, session.first("SELECT 1 FROM track_uploads WHERE id = ?", {each.path}));
      known = row.has_value();
      return {};
    }));
    if (known) continue;
    if (what == Leftovers::remove) MILLRACE_DO(remove_parts(each.path));
    ++count;
  }
  return count;
}

}  // namespace millrace::track
