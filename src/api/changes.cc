#include "api/changes.h"

#include <chrono>

#include "core/limits/ui_limits.h"

namespace millrace::api {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr int64_t kFarBehind = 10'000;  // lines, of all workspaces

Reply nothing_new(int64_t after) {
  return Reply::json({{"next", after}, {"items", Json::array()}, {"skipped", false}});
}

}  // namespace

Changes::Changes(store::Database& database, Context& context)
    : database_(database), context_(context), thread_([this] { watch(); }) {}

Changes::~Changes() { stop(); }

Result<int64_t> Changes::newest() const {
  int64_t newest = 0;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT max(sequence) FROM journal"));
    if (row) newest = row->integer(0);
    return {};
  }));
  return newest;
}

Result<Json> Changes::look(const std::string& workspace, int64_t after) const {
  Json items = Json::array();
  int64_t next = after;
  bool skipped = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT max(sequence) FROM journal"));
    const int64_t newest = row ? row->integer(0) : 0;
    skipped = after > newest || newest - after > kFarBehind;  // ahead of it: this is another store by now
    next = newest;
    if (skipped) return {};
    MILLRACE_TRY(const auto rows, session.query("SELECT sequence, kind, node, subject, recorded_at FROM journal WHERE "
                                                "workspace >= ? AND workspace <= ? AND sequence > ? AND sequence <= ? "
                                                "ORDER BY sequence LIMIT ?",
                                                {workspace, workspace, after, newest, int64_t{limits::changes_items}}));
    for (const auto& line : rows)
      items.push_back({{"sequence", line.integer(0)},
                       {"kind", line.text(1)},
                       {"node", line.text(2)},
                       {"subject", line.text(3)},
                       {"at", to_iso(line.integer(4))}});
    if (rows.size() == limits::changes_items) next = rows.back().integer(0);
    return {};
  }));
  return Json{{"next", next}, {"items", std::move(items)}, {"skipped", skipped}};
}

void Changes::hold(const ChangeQuestion& question, Asker asker) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && held_.size() < limits::changes_waiting) {
      held_.push_back({question, std::move(asker), context_.clock.steady() + question.wait});
      if (held_.size() == 1) wake_.notify_all();
      return;
    }
  }
  asker.give(nothing_new(question.after));
}

bool Changes::is_full() const {
  const std::lock_guard lock(mutex_);
  return held_.size() >= limits::changes_waiting;
}

void Changes::stop() {
  std::list<Held> rest;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    rest.swap(held_);
  }
  wake_.notify_all();
  for (const auto& each : rest) each.asker.give(nothing_new(each.question.after));
  if (thread_.joinable()) thread_.join();  // it may be answering others
}

void Changes::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [&] { return stopping_ || !held_.empty(); });
    if (stopping_) return;
    lock.unlock();
    if (const auto now = newest())
      answer_some(*now);
    else
      context_.log.warn("changes_not_read", {{"error", now.error().text()}});
    lock.lock();
    wake_.wait_for(lock, kLookEvery, [&] { return stopping_; });
  }
}

// Those for whom there is something, whose time is over, or who have gone.
void Changes::answer_some(int64_t newest) {
  std::list<Held> due;
  {
    const Micros now = context_.clock.steady();
    const std::lock_guard lock(mutex_);
    for (auto each = held_.begin(); each != held_.end();) {
      const auto here = each++;
      if (here->question.after != newest || here->until <= now || here->asker.waiting.expired())
        due.splice(due.end(), held_, here);
    }
  }
  std::map<std::pair<std::string, int64_t>, Result<Json>> looked;  // most ask the same
  for (auto& each : due) {
    const auto& question = each.question;
    auto [at, first] = looked.try_emplace({question.workspace, question.after}, Json());
    if (first) at->second = look(question.workspace, question.after);
    const auto& found = at->second;
    const bool news = found && (!(*found)["items"].empty() || (*found)["skipped"] == true);
    if (news)
      each.asker.give(Reply::json(*found));
    else if (each.until <= context_.clock.steady())
      each.asker.give(nothing_new(found ? integer_or(*found, "next", question.after) : question.after));
    else if (!each.asker.waiting.expired())  // lines of other workspaces only
      hold({question.workspace, found ? integer_or(*found, "next", question.after) : question.after,
            each.until - context_.clock.steady()},
           std::move(each.asker));
  }
}

}  // namespace millrace::api
