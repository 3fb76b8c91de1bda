#include "track/gc/blob_references.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::track {
namespace {

constexpr int64_t kRowsAtOnce = 500;
constexpr size_t kHexDigits = 64;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::array<uint8_t, 32> bytes_of(std::string_view hex) {
  std::array<uint8_t, 32> out{};
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<uint8_t>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
  return out;
}

std::string joined(const std::vector<std::string_view>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

const std::vector<BlobHolder>& blob_holders() {
  static const std::vector<BlobHolder> all{
      {"alert_events", {"workspace", "alert"}, {"number"}, {"body"}},
      {"alerts", {"workspace", "id"}, {}, {"evidence", "trace", "cause"}},
      {"approvals", {"workspace", "model", "covered", "subject"}, {"version"}, {"digests"}},
      {"change_requests", {"workspace"}, {"number"}, {"digests"}},
      {"dataset_versions",
       {"workspace", "dataset"},
       {"version"},
       {"digest", "file", "quarantine_file", "contract_digest", "contract_file", "profile_digest", "findings_digest",
        "input_digest", "inputs", "reference_nodes"}},
      {"gate_evaluations", {"workspace", "model"}, {"version", "number"}, {"report", "policy", "results"}},
      {"idempotency", {"workspace", "subject", "key"}, {}, {"body"}},
      {"jobs", {"workspace", "id"}, {}, {"payload", "result", "progress"}},
      {"model_signatures", {"workspace", "model", "key_id"}, {"version"}, {"bundle"}},
      {"model_versions", {"workspace", "model"}, {"version"}, {"digests", "files", "facts", "content"}},
      {"monitor_references", {"workspace", "model", "identity"}, {"version"}, {"digest"}},
      {"nodes", {"workspace", "id"}, {}, {"digest", "attributes"}},
      {"release_differences", {"workspace", "deployment", "model"}, {"version", "from_time", "to_time"}, {"digest"}},
      {"releases", {"workspace", "deployment"}, {"number"}, {"model_digest", "contract_blob", "snapshot", "evidence"}},
      {"review_subjects", {"workspace", "review", "node"}, {}, {"evidence"}},
      {"reviews", {"workspace", "id"}, {}, {"summary"}},
      {"stage_records", {"workspace", "stage", "cache_key"}, {}, {"outs", "components"}},
  };
  return all;
}

void Digests::add(std::string_view digest) {
  if (digest.size() == kHexDigits + 7) all_.push_back(bytes_of(digest.substr(7)));
}

void Digests::sort() {
  std::sort(all_.begin(), all_.end());
  found_.assign(all_.size(), false);
}

size_t Digests::place_of(const Bytes& bytes) const {
  const auto at = std::lower_bound(all_.begin(), all_.end(), bytes);
  return at != all_.end() && *at == bytes ? static_cast<size_t>(at - all_.begin()) : all_.size();
}

void Digests::find_in(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && hex_value(text[end]) >= 0) ++end;
    if (end - i == kHexDigits)
      if (const auto place = place_of(bytes_of(text.substr(i, kHexDigits))); place < all_.size()) found_[place] = true;
    i = end + 1;
  }
}

bool Digests::is_referred_to(std::string_view digest) const {
  const auto place = place_of(bytes_of(digest.substr(7)));
  return place < all_.size() && found_[place];
}

Result<void> find_references(const store::Database& database, Digests& digests) {
  for (const auto& holder : blob_holders()) {
    auto keys = holder.text_keys;
    keys.insert(keys.end(), holder.number_keys.begin(), holder.number_keys.end());
    const auto names = joined(keys);
    const std::string after =
        fmt::format(" WHERE ({}) > ({})", names, fmt::join(std::vector<std::string_view>(keys.size(), "?"), ", "));
    store::Values last;
    for (int64_t got = kRowsAtOnce; got == kRowsAtOnce;) {
      const auto sql = fmt::format("SELECT {}, {} FROM {}{} ORDER BY {} LIMIT {}", names, joined(holder.columns),
                                   holder.table, last.empty() ? "" : after, names, kRowsAtOnce);
      MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
        MILLRACE_TRY(const auto rows, session.query(sql, last));
        got = static_cast<int64_t>(rows.size());
        for (const auto& row : rows)
          for (size_t i = keys.size(); i < row.size(); ++i) digests.find_in(row.text(i));
        if (rows.empty()) return {};
        last.clear();
        for (size_t i = 0; i < keys.size(); ++i)
          if (i < holder.text_keys.size())
            last.emplace_back(rows.back().text(i));
          else
            last.emplace_back(rows.back().integer(i));
        return {};
      }));
    }
  }
  return {};
}

}  // namespace millrace::track
