// Kills a writing process and compares what it had acknowledged with what is there.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "lineage/journal.h"
#include "store/blobs.h"
#include "store/testing.h"

namespace millrace::lineage {
namespace {

constexpr const char* kFolder = "MILLRACE_CRASH_FOLDER";
const Caller kCaller{.workspace = "default", .subject = "local:crash", .roles = {}, .via = "cli", .request_id = ""};

void acknowledge(int64_t number) {
  const auto line = fmt::format("{}\n", number);
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(4);
}

// What the child does until it dies: numbered rows with their lines and a blob each, from four threads.
[[noreturn]] void write_until_killed(const std::string& folder) {
  testing::World world;
  auto database = store::open_database(testing::place_of(folder + "/meta.db"), world.context);
  auto blobs = store::open_file_blobs(folder + "/blobs", world.context);
  if (!database || !blobs) ::_exit(2);
  Journal journal(**database, world.context, "main", folder + "/audit.head");
  const auto rows = [](store::Session& session) -> Result<void> {
    MILLRACE_DO(
        session.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY, digest TEXT NOT NULL)"));
    return {};
  };
  int64_t last = 0;
  if (!(*database)->write(rows)) ::_exit(3);
  (void)(*database)->read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT coalesce(max(number), 0) FROM numbers"));
    last = row->integer(0);
    return {};
  });
  std::atomic<int64_t> next{last + 1};
  const auto work = [&] {
    while (true) {
      const int64_t number = next++;
      const auto digest = (*blobs)->put(fmt::format("blob {}", number));
      if (!digest) ::_exit(5);
      const auto done = journal.write(kCaller, [&](store::Session& session) -> Result<Change> {
        MILLRACE_DO(session.execute("INSERT INTO numbers VALUES (?, ?)", {number, *digest}));
        return Change{.kind = "number",
                      .node = fmt::format("number:{}", number),
                      .nodes = {{.id = fmt::format("number:{}", number), .digest = *digest}}};
      });
      if (!done) ::_exit(6);
      acknowledge(number);
      if (number % 16 == 0 && !journal.checkpoint()) ::_exit(7);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  ::_exit(0);
}

struct Child {
  pid_t pid = 0;
  int out = -1;
};

Child start(const std::string& folder, const std::string& fault) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::setenv(kFolder, folder.c_str(), 1);
    if (!fault.empty()) ::setenv("MILLRACE_FAULT", fault.c_str(), 1);
    ::execl(self.c_str(), self.c_str(), "--gtest_filter=CrashChild.writes", nullptr);
    ::_exit(9);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

// Reads acknowledgements until `enough` have come (then kills) or the child is dead. Only whole lines count.
std::vector<int64_t> acknowledged(Child child, size_t enough) {
  std::string text;
  size_t lines = 0;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(child.out, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
    lines += static_cast<size_t>(std::count(buffer, buffer + got, '\n'));
    if (lines >= enough) ::kill(child.pid, SIGKILL), enough = SIZE_MAX;
  }
  ::close(child.out);
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "the child ended by itself: " << WEXITSTATUS(status);
  std::vector<int64_t> out;
  size_t from = 0;
  for (size_t to = 0; (to = text.find('\n', from)) != std::string::npos; from = to + 1) {
    const auto line = text.substr(from, to - from);
    if (!line.empty() && line.find_first_not_of("0123456789") == std::string::npos) out.push_back(std::stoll(line));
  }
  return out;
}

class Crash : public ::testing::Test {
 protected:
  testing::Folder folder;
  testing::World world;
  std::set<int64_t> promised;

  void run(const std::string& fault, size_t enough) {
    for (const auto number : acknowledged(start(folder.path(), fault), enough))
      EXPECT_TRUE(promised.insert(number).second) << "twice: " << number;
    compare(fault);
  }
  void compare(const std::string& fault) {
    auto database = store::open_database(testing::place_of(folder / "meta.db"), world.context);
    auto blobs = store::open_file_blobs(folder / "blobs", world.context);
    ASSERT_TRUE(database && blobs);
    std::map<int64_t, std::string> rows;
    std::map<std::string, int> lines;
    ASSERT_TRUE((*database)->read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto numbers, session.query("SELECT number, digest FROM numbers"));
      for (const auto& row : numbers) rows[row.integer(0)] = row.text(1);
      MILLRACE_TRY(const auto nodes, session.query("SELECT node FROM journal"));
      for (const auto& row : nodes) ++lines[row.text(0)];
      return {};
    }));
    for (const auto number : promised) EXPECT_TRUE(rows.contains(number)) << fault << ": lost " << number;
    EXPECT_EQ(lines.size(), rows.size()) << fault << ": a row without its line or a line without its row";
    for (const auto& [number, digest] : rows) {
      EXPECT_EQ(lines[fmt::format("number:{}", number)], 1) << fault;
      EXPECT_TRUE((*blobs)->verify(digest)) << fault << ": blob of " << number;
    }
    const auto verdict = Journal(**database, world.context, "main", folder / "audit.head").verify();
    ASSERT_TRUE(verdict) << verdict.error().text();
    EXPECT_TRUE(verdict->intact) << fault << ": " << verdict->reason;
  }
};

// Not a test by itself: the other tests start this program again with only this one.
TEST(CrashChild, writes) {
  if (const char* folder = std::getenv(kFolder); folder != nullptr) write_until_killed(folder);
}

TEST_F(Crash, nothing_acknowledged_is_lost_at_thirty_random_moments) {
  SeededRandom random(30);
  for (int round = 0; round < 30; ++round) run("", 1 + random.next() % 60);
  EXPECT_GT(promised.size(), 30U);
}

TEST_F(Crash, nothing_acknowledged_is_lost_at_any_fault_point) {
  for (const char* point :
       {"store.commit.before", "store.commit.after", "core.write_file.before_flush", "core.write_file.before_rename"})
    for (const int visit : {3, 10, 25}) run(fmt::format("{}:{}", point, visit), SIZE_MAX);
}

}  // namespace
}  // namespace millrace::lineage
