#include <gtest/gtest.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/limits/transfer_limits.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

class UploadsTest : public ::testing::Test {
 protected:
  testing::Tracked world;
  Tracking& tracking = world.tracking;
  Caller& ada = world.ada;

  Result<std::string> send(const Upload& upload, int64_t part, const std::string& bytes) {
    const auto file = world.store.folder / "spool";
    EXPECT_TRUE(write_file(file, bytes));
    return tracking.put_upload_part(upload.id, upload.key, part, file, digest_of(bytes));
  }
  std::string stored(const std::string& path) {
    const auto file = tracking.artifacts().file("default", path);
    return file ? *read_file(*file, 1000) : "(none)";
  }
  std::vector<UploadPart> sent(const Upload& upload) { return *tracking.upload_parts(upload.id, upload.key); }
  std::string refusal(const Upload& upload, const std::vector<UploadPart>& parts) {
    const auto done = tracking.complete_upload(ada, "1/r/artifacts/f", upload.id, parts);
    return done ? "" : done.error().message();
  }
};

TEST_F(UploadsTest, parts_in_any_order_become_one_file) {
  const auto upload = tracking.create_upload(ada, "1/r/artifacts/f", 3);
  ASSERT_TRUE(upload) << upload.error().text();
  EXPECT_EQ(*send(*upload, 3, "ef"), digest_of("ef"));
  ASSERT_TRUE(send(*upload, 1, "xx"));
  ASSERT_TRUE(send(*upload, 2, "cd"));
  ASSERT_TRUE(send(*upload, 1, "ab"));  // again
  EXPECT_EQ(stored("1/r/artifacts/f"), "(none)");
  auto parts = sent(*upload);
  parts[0].tag = "\"" + parts[0].tag + "\"";  // as an ETag
  EXPECT_EQ(refusal(*upload, parts), "");
  EXPECT_EQ(stored("1/r/artifacts/f"), "abcdef");
  EXPECT_EQ(tracking.find_artifact(ada, "mlflow-artifacts:/1/r", "artifacts/f")->digest, digest_of("abcdef"));
  EXPECT_EQ(refusal(*upload, parts), "");  // a client that heard no answer asks again
  EXPECT_FALSE(send(*upload, 1, "zz"));
  EXPECT_FALSE(exists(world.store.folder / ("artifacts/.millrace-uploads/" + upload->id)));
}

TEST_F(UploadsTest, what_is_not_whole_is_not_completed) {
  const auto upload = tracking.create_upload(ada, "1/r/artifacts/f", 2);
  ASSERT_TRUE(send(*upload, 1, "ab"));
  EXPECT_EQ(refusal(*upload, sent(*upload)), "1 parts are listed, the upload has 2");
  EXPECT_EQ(refusal(*upload, {{1, digest_of("ab")}, {2, digest_of("cd")}}), "part 2 has not been sent");
  EXPECT_EQ(refusal(*upload, {{2, digest_of("ab")}, {1, digest_of("cd")}}), "part 2 is listed where part 1 belongs");
  ASSERT_TRUE(send(*upload, 2, "cd"));
  EXPECT_EQ(refusal(*upload, {{1, digest_of("ab")}, {2, "other"}}), "the ETag of part 2 is not that of what was sent");
  const auto parts = sent(*upload);
  ASSERT_TRUE(write_file(world.store.folder / ("artifacts/.millrace-uploads/" + upload->id + "/2"), "c?"));
  EXPECT_EQ(refusal(*upload, parts), "part 2 is not what was sent");
  EXPECT_EQ(stored("1/r/artifacts/f"), "(none)");
  ASSERT_TRUE(send(*upload, 2, "cd"));
  EXPECT_EQ(refusal(*upload, parts), "");
  EXPECT_EQ(stored("1/r/artifacts/f"), "abcd");
}

TEST_F(UploadsTest, a_part_needs_its_key_and_its_number) {
  const auto upload = tracking.create_upload(ada, "1/r/artifacts/f", 2);
  EXPECT_EQ(tracking.check_upload(upload->id, "guess", 1).error().code(), Code::denied);
  EXPECT_EQ(tracking.check_upload(upload->id, upload->key, 0).error().code(), Code::invalid);
  EXPECT_EQ(tracking.check_upload(upload->id, upload->key, 3).error().code(), Code::invalid);
  EXPECT_EQ(tracking.check_upload("none", upload->key, 1).error().code(), Code::not_found);
  EXPECT_TRUE(tracking.check_upload(upload->id, upload->key, 2));
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_uploads WHERE key_digest = '" + upload->key + "'"), 0);
}

TEST_F(UploadsTest, an_upload_is_of_its_path_and_workspace) {
  const auto upload = tracking.create_upload(ada, "1/r/artifacts/f", 1);
  ASSERT_TRUE(send(*upload, 1, "ab"));
  const auto parts = sent(*upload);
  EXPECT_EQ(tracking.complete_upload(ada, "1/r/artifacts/g", upload->id, parts).error().code(), Code::invalid);
  auto eve = ada;
  eve.workspace = "other";
  EXPECT_EQ(tracking.complete_upload(eve, "1/r/artifacts/f", upload->id, parts).error().code(), Code::not_found);
  EXPECT_EQ(tracking.abort_upload(eve, "1/r/artifacts/f", upload->id).error().code(), Code::not_found);
  ASSERT_TRUE(tracking.abort_upload(ada, "1/r/artifacts/f", upload->id));
  EXPECT_EQ(tracking.complete_upload(ada, "1/r/artifacts/f", upload->id, parts).error().code(), Code::not_found);
  EXPECT_FALSE(exists(world.store.folder / ("artifacts/.millrace-uploads/" + upload->id)));
}

TEST_F(UploadsTest, refuses_bad_paths_and_numbers_of_parts) {
  for (const int64_t parts : {int64_t{0}, int64_t{-1}, limits::upload_parts + 1})
    EXPECT_EQ(tracking.create_upload(ada, "1/f", parts).error().code(), Code::invalid) << parts;
  EXPECT_TRUE(tracking.create_upload(ada, "1/f", limits::upload_parts));
  EXPECT_FALSE(tracking.create_upload(ada, "../f", 1));
  EXPECT_FALSE(tracking.create_upload(ada, "", 1));
}

TEST_F(UploadsTest, the_number_of_unfinished_ones_is_bounded) {
  ASSERT_TRUE(tracking.create_upload(ada, "1/f", 1));
  ASSERT_TRUE(world.store.execute(
      "INSERT INTO track_uploads SELECT 'default', 'x' || a.sequence || '-' || b.value, 'p', 1, '', 'open', '', 0, 9 "
      "FROM journal a, "
      "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) SELECT value FROM n) b "
      "WHERE a.sequence = 1",
      {limits::uploads_open - 1}));
  EXPECT_EQ(tracking.create_upload(ada, "1/g", 1).error().code(), Code::unavailable);
  ASSERT_TRUE(world.store.execute("UPDATE track_uploads SET state = 'done' WHERE path = 'p'"));
  EXPECT_TRUE(tracking.create_upload(ada, "1/g", 1));
}

TEST_F(UploadsTest, unfinished_ones_expire_with_a_line_of_the_journal) {
  const auto upload = tracking.create_upload(ada, "1/r/artifacts/f", 2);
  ASSERT_TRUE(send(*upload, 1, "ab"));
  world.store.world.clock.advance(limits::upload_life_us - 1);
  EXPECT_EQ(*tracking.expire_uploads(), 0);
  ASSERT_TRUE(send(*upload, 2, "cd"));  // goes on living
  world.store.world.clock.advance(limits::upload_life_us - 1);
  EXPECT_EQ(*tracking.expire_uploads(), 0);
  world.store.world.clock.advance(1);
  EXPECT_EQ(tracking.check_upload(upload->id, upload->key, 1).error().code(), Code::not_found);
  EXPECT_EQ(*tracking.expire_uploads(), 1);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_upload_parts"), 0);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM journal WHERE kind = 'artifact.upload.expired'"), 1);
  EXPECT_FALSE(exists(world.store.folder / ("artifacts/.millrace-uploads/" + upload->id)));
}

}  // namespace
}  // namespace millrace::track
