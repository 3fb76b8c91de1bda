#include "serve/prediction_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <map>
#include <thread>

#include "core/codes/crc32c.h"
#include "core/files.h"
#include "serve/half.h"

namespace millrace::serve {
namespace {

struct PredictionLogTest : ::testing::Test {
  PredictionLogTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "predictions.XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~PredictionLogTest() override { EXPECT_TRUE(remove_tree(folder)); }

  std::unique_ptr<PredictionLog> open(LogOptions options = {}) {
    options.folder = folder;
    auto log = PredictionLog::open(options, context);
    if (!log) ADD_FAILURE() << log.error().text();
    return log ? std::move(*log) : nullptr;
  }
  Arm arm(int64_t release = 1) const {
    return {.deployment = "late",
            .workspace = "default",
            .release = release,
            .name = "stable",
            .model = "late",
            .version = 2,
            .digest = "sha256:abc",
            .inputs = {{"x", DType::fp32, {-1, 1}}, {"t", DType::bytes, {-1, 1}}},
            .outputs = {{"y", DType::int64, {-1}}}};
  }
  static std::string id(int number) {
    return "00000000-0000-7000-8000-" + std::string(12 - std::to_string(number).size(), '0') + std::to_string(number);
  }
  static std::string record(const ArmKey& key, int number, size_t text_bytes = 3) {
    Tensor x{.type = DType::fp32, .shape = {1, 1}},
        t{.type = DType::bytes, .shape = {1, 1}, .texts = {std::string(text_bytes, 'a')}},
        y{.type = DType::int64, .shape = {1}};
    x.push(0.5F);
    y.push(int64_t{1} << 60);
    const Tensor in[] = {x, t};
    const size_t wanted[] = {0};
    return encode(key.key, {.id = id(number), .event_time = 5, .arrived_at = 6, .unit = "N1"}, in, wanted, {&y, 1});
  }
  Result<void> add(PredictionLog& log, int number, size_t text_bytes = 3) {
    return log.append(ArmKey::of(arm()), record(ArmKey::of(arm()), number, text_bytes));
  }
  std::map<std::string, int> ids() const {
    std::map<std::string, int> out;
    for (const auto& path : list_segments(folder, ".log")) {
      auto scan = scan_segment(path, [&](RecordKind kind, std::string_view payload) -> Result<void> {
        if (kind == RecordKind::prediction) ++out[decode(payload)->prediction.id];
        return {};
      });
      EXPECT_TRUE(scan);
    }
    return out;
  }
  std::string segment(size_t at = 0) const { return list_segments(folder, ".log").at(at); }

  std::string folder;
  ManualClock clock;
  SeededRandom random{1};
  Context context{clock, random, silent_log()};
};

TEST(Crc32c, gives_the_published_value_both_ways) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c_portable("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST_F(PredictionLogTest, reads_a_prediction_back) {
  auto log = open();
  ASSERT_TRUE(add(*log, 1));
  ASSERT_TRUE(add(*log, 2));
  auto all = find_in_segments(list_segments(folder, ".log"), id(2));
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 1U);
  const auto& found = all->front();
  EXPECT_EQ(found.arm.release_node(), "release:late@1");
  const Json json = found.prediction.to_json(found.arm);
  EXPECT_EQ(json["inputs"][0]["data"][0], 0.5);
  EXPECT_EQ(json["inputs"][1]["data"][0], "aaa");
  EXPECT_EQ(json["outputs"][0]["data"][0], int64_t{1} << 60);
  EXPECT_EQ(json["unit"], "N1");
  EXPECT_TRUE(find_in_segments(list_segments(folder, ".log"), id(3))->empty());
}

TEST_F(PredictionLogTest, a_log_without_records_leaves_no_file) {
  open().reset();
  EXPECT_TRUE(list_segments(folder, ".log").empty());
}

TEST_F(PredictionLogTest, cuts_a_tail_that_was_torn_at_any_byte_of_the_last_record) {
  auto log = open();
  ASSERT_TRUE(add(*log, 1));
  const auto before = *file_size(segment());
  ASSERT_TRUE(add(*log, 2));
  log.reset();
  const std::string whole = *read_file(segment(), 1 << 20);
  for (size_t size = static_cast<size_t>(before); size < whole.size(); ++size) {
    ASSERT_TRUE(remove_tree(folder));
    ASSERT_TRUE(make_folders(folder));
    ASSERT_TRUE(write_file(folder + "/000000000001.log", whole.substr(0, size)));
    auto again = open();
    EXPECT_EQ(again->state().torn_bytes, size - static_cast<size_t>(before)) << size;
    EXPECT_TRUE(again->state().damaged.empty()) << size;
    ASSERT_TRUE(add(*again, 3));
    EXPECT_EQ(ids(), (std::map<std::string, int>{{id(1), 1}, {id(3), 1}})) << size;
  }
}

TEST_F(PredictionLogTest, cuts_a_tail_of_zeros) {
  auto log = open();
  ASSERT_TRUE(add(*log, 1));
  log.reset();
  const std::string whole = *read_file(segment(), 1 << 20);
  ASSERT_TRUE(write_file(segment(), whole + std::string(4096, '\0')));
  EXPECT_EQ(open()->state().torn_bytes, 4096U);
}

TEST_F(PredictionLogTest, names_a_flipped_bit_anywhere_and_still_reads_the_other_records) {
  auto log = open();
  ASSERT_TRUE(add(*log, 1));
  const auto first = static_cast<size_t>(*file_size(segment()));
  ASSERT_TRUE(add(*log, 2));
  const auto second = static_cast<size_t>(*file_size(segment()));
  ASSERT_TRUE(add(*log, 3));
  log.reset();
  const std::string path = segment(), whole = *read_file(path, 1 << 20);
  for (size_t at = first; at < second; ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    const auto scan = scan_records(flipped, [](RecordKind, std::string_view) { return true; });
    EXPECT_EQ(scan.end, SegmentScan::End::damaged) << at;
    EXPECT_EQ(scan.good_bytes, first) << at;
    EXPECT_EQ(scan.records, 2U) << at;
  }
  std::string flipped = whole;
  flipped[second - 1] = static_cast<char>(flipped[second - 1] ^ 1);
  ASSERT_TRUE(write_file(path, flipped));
  auto again = open();
  ASSERT_EQ(again->state().damaged.size(), 1U);
  EXPECT_EQ(again->state().damaged[0].file, path);
  EXPECT_EQ(again->state().damaged[0].offset, first);
  ASSERT_TRUE(add(*again, 4));
  EXPECT_EQ(*read_file(path, 1 << 20), flipped);
  EXPECT_EQ(ids().size(), 3U);
}

TEST_F(PredictionLogTest, begins_a_new_segment_by_size_and_by_age) {
  auto log = open({.segment_bytes = 1000, .segment_age = 1'000'000});
  ASSERT_TRUE(add(*log, 1, 2000));
  ASSERT_TRUE(add(*log, 2));
  EXPECT_EQ(list_segments(folder, ".log").size(), 2U);
  clock.advance(1'000'000);
  ASSERT_TRUE(add(*log, 3));
  EXPECT_EQ(list_segments(folder, ".log").size(), 3U);
  ASSERT_TRUE(log->close_segment());
  ASSERT_TRUE(log->close_segment());
  ASSERT_TRUE(add(*log, 4));
  EXPECT_EQ(list_segments(folder, ".log").size(), 4U);
  EXPECT_EQ(find_in_segments(list_segments(folder, ".log"), id(4))->size(), 1U);
  EXPECT_EQ(ids().size(), 4U);
}

TEST_F(PredictionLogTest, a_full_disk_refuses_leaves_nothing_half_written_and_recovers) {
  for (const bool strict : {false, true}) {
    ASSERT_TRUE(remove_tree(folder));
    auto log = open({.strict = strict});
    ASSERT_TRUE(add(*log, 1));
    const auto size = *file_size(segment());
    struct rlimit old {};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small { static_cast<rlim_t>(size) + 100, old.rlim_max };
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    auto refused = add(*log, 2, 5000);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    std::signal(SIGXFSZ, ignored);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::unavailable);
    EXPECT_FALSE(refused.error().hint().empty());
    EXPECT_EQ(*file_size(segment()), size);
    ASSERT_TRUE(add(*log, 3));
    EXPECT_EQ(ids(), (std::map<std::string, int>{{id(1), 1}, {id(3), 1}}));
    EXPECT_EQ(log->state().append_failures, 1U);
  }
}

TEST_F(PredictionLogTest, many_writers_lose_nothing_and_write_nothing_twice) {
  auto log = open({.segment_bytes = 20'000});
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 8; ++writer)
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(add(*log, writer * 1000 + i));
    });
  for (auto& writer : writers) writer.join();
  const auto seen = ids();
  EXPECT_EQ(seen.size(), 1600U);
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
}

TEST_F(PredictionLogTest, what_was_answered_survives_kill_9) {
  for (const bool strict : {false, true}) {
    ASSERT_TRUE(remove_tree(folder));
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto log = open({.strict = strict, .segment_bytes = 4000});
      for (int i = 0; log; ++i)
        if (!add(*log, i) || ::write(pipe[1], &i, sizeof i) != sizeof i) ::_exit(1);
      ::_exit(1);
    }
    ::close(pipe[1]);
    int last = -1, got = 0;
    for (; got < 100 && ::read(pipe[0], &last, sizeof last) == sizeof last; ++got) {}
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(pipe[0], &last, sizeof last) == sizeof last) {}
    ::close(pipe[0]);
    ASSERT_EQ(got, 100);
    auto log = open();
    EXPECT_TRUE(log->state().damaged.empty());
    const auto seen = ids();
    for (int i = 0; i <= last; ++i) EXPECT_TRUE(seen.contains(id(i))) << i;
    for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  }
}

TEST(Prediction, keeps_16_bit_floats_and_shows_them_as_numbers) {
  Tensor half{.type = DType::fp16, .shape = {3}}, brain{.type = DType::bf16, .shape = {1}};
  for (const double value : {0.5, 65504.0, HUGE_VAL}) half.push(Half::of(value));
  brain.push(Brain::of(-3));
  const size_t wanted[] = {0};
  const auto back = decode(encode(1, {.id = "a"}, {&half, 1}, wanted, {&brain, 1}));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->prediction.inputs[0].data, half.data);
  EXPECT_EQ(tensor_json(back->prediction.inputs[0]), Json({0.5, 65504.0, "Infinity"}));
  EXPECT_EQ(tensor_json(back->prediction.outputs[0]), Json({-3.0}));
}

TEST(Prediction, keeps_its_duration) {
  const auto timed = decode(encode(7, {.id = "i", .outcome = Outcome::refused, .duration_us = 1234}, {}, {}, {}));
  ASSERT_TRUE(timed);
  EXPECT_EQ(timed->prediction.duration_us, 1234);
  EXPECT_EQ(timed->prediction.outcome, Outcome::refused);
  EXPECT_EQ(timed->prediction.to_json({})["duration_us"], 1234);
}

// Records that were written before durations were: the outcome's byte has no version and no duration follows it.
TEST(Prediction, reads_records_that_are_older_than_the_duration) {
  constexpr size_t kOutcomeAt = 24;
  const std::string now = encode(7, {.id = "i", .outcome = Outcome::failed, .unit = "N1"}, {}, {}, {});
  const std::string old = now.substr(0, kOutcomeAt) + "\x02" + now.substr(kOutcomeAt + 1 + sizeof(int64_t));
  const auto read = decode(old);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->prediction.outcome, Outcome::failed);
  EXPECT_EQ(read->prediction.unit, "N1");
  EXPECT_EQ(read->prediction.duration_us, -1);
  EXPECT_EQ(read->prediction.to_json({})["duration_us"], nullptr);
  std::string later = now;
  later[kOutcomeAt] = static_cast<char>(2 | 4 << 4);
  EXPECT_FALSE(decode(later)) << "a version that is not known yet";
}

TEST(Prediction, keeps_its_flags) {
  const std::vector<Flag> flags{{.field = "minutes", .rule = "minutes.range", .row = 7, .clamped = true},
                                {.field = "carrier", .rule = "carrier.set"}};
  const std::string flagged = encode(7, {.id = "i", .flags = flags}, {}, {}, {});
  const auto back = decode(flagged);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->prediction.flags, flags);
  EXPECT_EQ(back->prediction.to_json({})["flags"][0],
            (Json{{"field", "minutes"}, {"rule", "minutes.range"}, {"row", 7}, {"verdict", "clamp"}}));
  EXPECT_EQ(back->prediction.to_json({})["flags"][1]["verdict"], "flag");
  for (size_t size = 0; size < flagged.size(); ++size) EXPECT_FALSE(decode(flagged.substr(0, size))) << size;
}

TEST(Prediction, keeps_its_case) {
  const Case held{.rule = "unsure", .rows = {0, 7}, .matched = 2};
  const std::string cased = encode(7, {.id = "i", .held = held}, {}, {}, {});
  EXPECT_TRUE(has_case(cased));
  EXPECT_FALSE(has_case(encode(7, {.id = "i"}, {}, {}, {})));
  const auto back = decode(cased);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->prediction.held, held);
  EXPECT_TRUE(back->prediction.flags.empty());
  EXPECT_EQ(back->prediction.to_json({})["case"],
            (Json{{"id", "case-i"}, {"rule", "unsure"}, {"rows", {0, 7}}, {"matched", 2}}));
  EXPECT_EQ(*case_of_json(to_json(held)), held);
  EXPECT_FALSE(case_of_json({{"rule", "unsure"}, {"rows", {-1}}, {"matched", 1}}));
  for (size_t size = 0; size < cased.size(); ++size) EXPECT_FALSE(decode(cased.substr(0, size))) << size;
}

TEST(Prediction, refuses_every_cut_of_a_payload) {
  Tensor x{.type = DType::fp32, .shape = {2, 1}};
  x.push(1.0F);
  x.push(2.0F);
  const size_t wanted[] = {0};
  const std::string whole = encode(7, {.id = "i"}, {&x, 1}, wanted, {&x, 1});
  ASSERT_TRUE(decode(whole));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode(std::string_view(whole).substr(0, size))) << size;
  EXPECT_FALSE(decode(whole + "x"));
}

}  // namespace
}  // namespace millrace::serve
