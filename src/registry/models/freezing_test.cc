// Two servers over one database and one artifact store, each with its own locks: one writes files, the other registers
// them, at every moment of the writing.
#include "registry/testing.h"
#include "store/writer.h"

namespace millrace::registry {
namespace {

// The database as one of several servers has it.
class Server final : public store::Database, public store::SharedStore {
 public:
  Server(store::Database& inner, std::string name) : inner_(inner), name_(std::move(name)) {}
  Result<void> write(const store::Write& rows) override { return inner_.write(rows); }
  Result<void> read(const store::Read& rows) const override { return inner_.read(rows); }
  const std::string& writer() const override { return name_; }

 private:
  store::Database& inner_;
  std::string name_;
};

using Hook = std::function<void()>;

// Local files; the hooks run once, in the middle of what their name says.
class Hooked final : public track::FileStore {
 public:
  Hooked(const std::string& folder, Hook& before_put, Hook& after_put, Hook& after_open)
      : inner_(track::open_local_files(folder)),
        before_put_(before_put),
        after_put_(after_put),
        after_open_(after_open) {}
  Result<track::FileState> put(const track::ArtifactPath& at, const std::string& file,
                               const std::string& digest) override {
    run(before_put_);
    auto state = inner_->put(at, file, digest);
    run(after_put_);
    return state;
  }
  Result<track::OpenFile> open(const track::ArtifactPath& at, track::Span span) const override {
    auto opened = inner_->open(at, span);
    run(after_open_);
    return opened;
  }
  Result<track::FileState> find(const track::ArtifactPath& at) const override { return inner_->find(at); }
  Result<std::vector<track::FileInfo>> list(const track::ArtifactPath& at) const override { return inner_->list(at); }
  Result<void> remove(const track::ArtifactPath& at) override {
    run(before_put_);
    return inner_->remove(at);
  }
  Result<std::string> local_file(const track::ArtifactPath& at) const override { return inner_->local_file(at); }
  Result<int64_t> leftovers(Micros before, track::Leftovers what) override { return inner_->leftovers(before, what); }
  bool presigns() const override { return false; }
  Result<std::string> presign(const track::ArtifactPath& at, track::Presign what, int64_t seconds) const override {
    return inner_->presign(at, what, seconds);
  }

 private:
  static void run(Hook& hook) {
    if (const auto now = std::exchange(hook, nullptr)) now();
  }
  std::unique_ptr<track::FileStore> inner_;
  Hook &before_put_, &after_put_, &after_open_;
};

class FreezingBetweenServers : public testing::RegistryTest {
 protected:
  Hook before_put, after_put, after_open, none;
  std::unique_ptr<Server> one, two;
  std::unique_ptr<lineage::Journal> journal_one, journal_two;
  std::unique_ptr<track::Tracking> writing, reading;
  std::unique_ptr<Registry> registry;
  std::string run_id, path;

  void SetUp() override {
    RegistryTest::SetUp();
    const std::string folder = state / "artifacts";
    const auto files = [&](Hook& before, Hook& after, Hook& open) {
      return track::ArtifactPlaces{track::Artifacts(std::make_unique<Hooked>(folder, before, after, open), folder),
                                   track::Artifacts(state / "uploads")};
    };
    one = std::make_unique<Server>(*services->database, "one");
    two = std::make_unique<Server>(*services->database, "two");
    journal_one = std::make_unique<lineage::Journal>(*one, world.context, "main", state / "one.head");
    journal_two = std::make_unique<lineage::Journal>(*two, world.context, "main", state / "two.head");
    writing = std::make_unique<track::Tracking>(*one, *journal_one, world.context, files(before_put, after_put, none));
    reading = std::make_unique<track::Tracking>(*two, *journal_two, world.context, files(none, none, after_open));
    registry = std::make_unique<Registry>(Parts{*two, *services->blobs, *journal_two, world.context, *services->engines,
                                                services->datasets, services->pipelines, *reading, state / "serving",
                                                state / "tmp"});
    ASSERT_TRUE(registry->create_model(caller, {.name = "planes", .description = {}, .tags = {}}));
    const auto run =
        writing->create_run(caller, {.experiment_id = {}, .name = {}, .user_id = {}, .start_time = 0, .tags = {}});
    ASSERT_TRUE(run) << run.error().text();
    run_id = run->info.id;
    path = track::Tracking::artifact_path(run->info.artifact_uri) + "/model";
    ASSERT_TRUE(put("old"));
  }
  void TearDown() override {
    registry.reset();
    RegistryTest::TearDown();
  }
  Result<void> put(const std::string& text) { return writing->put_artifact_text(caller, path + "/weights", text); }
  std::string registered_now() {
    const auto made = registry->create_version(caller, nullptr,
                                               {.model = "planes",
                                                .source = "runs:/" + run_id + "/model",
                                                .run_id = run_id,
                                                .model_id = {},
                                                .run_link = {},
                                                .description = {},
                                                .tags = {}});
    return made ? fmt::format("version {}", *made) : fmt::format("{}", name_of(made.error().code()));
  }
  std::string weights() { return *read_file(*writing->artifacts().file("default", path + "/weights"), 100); }
};

TEST_F(FreezingBetweenServers, who_registers_waits_for_who_writes) {
  std::string before, after;
  before_put = [&] { before = registered_now(); };
  after_put = [&] { after = registered_now(); };
  ASSERT_TRUE(put("new"));
  EXPECT_EQ(before, "conflict");
  EXPECT_EQ(after, "conflict");
  EXPECT_EQ(registered_now(), "version 1");
  EXPECT_TRUE(registry->check_files("default", "planes", 1)) << "what was registered is what is there";
  EXPECT_EQ(said(put("other")).find("conflict: '"), 0U);
  EXPECT_EQ(weights(), "new");
}

TEST_F(FreezingBetweenServers, what_was_written_while_it_was_read_is_read_again) {
  after_open = [&] { ASSERT_TRUE(put("new")); };
  EXPECT_EQ(registered_now(), "version 1");
  EXPECT_TRUE(registry->check_files("default", "planes", 1));
  EXPECT_EQ(weights(), "new");
}

TEST_F(FreezingBetweenServers, what_is_being_removed_is_not_registered) {
  std::string during;
  before_put = [&] { during = registered_now(); };
  ASSERT_TRUE(writing->delete_artifacts(caller, path.substr(0, path.rfind('/'))));
  EXPECT_EQ(during, "conflict");
  EXPECT_EQ(services->database
                ->read([](store::Session& session) -> Result<void> {
                  MILLRACE_TRY(const auto rows, session.query("SELECT 1 FROM track_writing"));
                  return rows.empty() ? Result<void>{} : Error{Code::internal, "a row was left"};
                })
                .ok(),
            true);
}

TEST_F(FreezingBetweenServers, a_write_that_failed_is_waited_for_no_longer) {
  before_put = [&] { ASSERT_TRUE(remove_tree(state / "artifacts")); };
  after_put = [&] { EXPECT_EQ(registered_now(), "conflict"); };
  EXPECT_FALSE(put("new")) << "its temporary file is gone";
  EXPECT_EQ(registered_now(), "version 1");
}

TEST_F(FreezingBetweenServers, a_server_that_died_is_waited_for_until_it_is_back_or_an_hour_has_passed) {
  const auto dies = [&](const std::string& writer) {
    const auto left = services->database->write([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto rows,
                   session.execute("INSERT INTO track_writing (workspace, path, id, writer, begun_at) VALUES "
                                   "('default', ?, 'x', ?, ?)",
                                   {path + "/weights", writer, world.context.now()}));
      (void)rows;
      return {};
    });
    ASSERT_TRUE(left) << left.error().text();
  };
  dies("one");
  EXPECT_EQ(registered_now(), "conflict");
  ASSERT_TRUE(reading->forget_writing());
  EXPECT_EQ(registered_now(), "conflict") << "the other one may still be writing";
  ASSERT_TRUE(writing->forget_writing());
  EXPECT_EQ(registered_now(), "version 1");
  dies("three");
  EXPECT_EQ(registered_now(), "conflict");
  world.clock.advance(3'600LL * 1'000'000);
  EXPECT_EQ(registered_now(), "version 2");
}

}  // namespace
}  // namespace millrace::registry
