#include "serve/process/kept_model.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>

#include "core/files.h"
#include "core/testing.h"
#include "serve/testdata/models.h"

namespace millrace::serve::process {
namespace {

ProcessOptions options() {
  return {.program = "/proc/self/exe",
          .runtime = {.folder = library_folder(), .onnxruntime = library_folder() + "/libonnxruntime.so"}};
}

// Notes the process ids that are told.
class Notes final : public Log {
 public:
  void write(Level, std::string_view event, const Json& fields) override {
    const std::lock_guard lock(mutex_);
    if (event == "model_process_started") pids_.push_back(fields["pid"].get<int>());
    if (event == "model_process_ended") why_.push_back(fields["why"].get<std::string>());
  }
  void write_fields(Level, std::string_view, std::string_view) override {}
  int last_pid() const {
    const std::lock_guard lock(mutex_);
    return pids_.back();
  }
  std::vector<std::string> why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  mutable std::mutex mutex_;  // guards the fields below
  std::vector<int> pids_;
  std::vector<std::string> why_;
};

// Enough for a good answer on a busy machine, where whatever takes longer ends its process too.
constexpr Micros kPatience = 5'000'000;

struct KeptModel : ::testing::Test {
  std::shared_ptr<const Model> keep(const std::string& name, const ProcessOptions& how = options()) {
    auto file = share_file(testdata::bytes_of(name), name + ".onnx");
    auto model = keep_model(how, std::move(*file), counts, context);
    if (!model) ADD_FAILURE() << model.error().text();
    return model ? *model : nullptr;
  }
  Notes log;
  Context context{system_clock(), system_random(), log};
  std::shared_ptr<ProcessCounts> counts = std::make_shared<ProcessCounts>();
};

Tensor numbers(Shape shape, std::initializer_list<float> values) {
  Tensor out{.type = DType::fp32, .shape = shape};
  for (const float value : values) out.push(value);
  return out;
}

constexpr size_t kFirst[] = {0};

Result<std::vector<Tensor>> ask(const Model& model) {
  const Tensor x = numbers({1, 3}, {1, 2, 3});
  return model.run({&x, 1}, kFirst);
}

TEST_F(KeptModel, answers_as_the_model_here_does_for_every_type) {
  const auto there = keep("every_type");
  const auto here =
      *make_runtimes(options().runtime, system_clock(), log)->load(testdata::bytes_of("every_type"), "every_type");
  ASSERT_TRUE(there);
  for (const int64_t rows : {0, 1, 2, 100'000}) {
    std::vector<Tensor> inputs;
    std::vector<size_t> wanted;
    for (const auto& spec : here->inputs()) {
      Tensor tensor{.type = spec.type, .shape = {rows}};
      for (int64_t i = 0; spec.type == DType::bytes && i < rows; ++i)
        tensor.texts.push_back(std::to_string(i) + std::string("\0\xc3", 2));
      for (size_t i = 0; i < static_cast<size_t>(rows) * size_of(spec.type); ++i)
        tensor.data.push_back(spec.type == DType::boolean ? std::byte(i % 2) : std::byte(i * 31));
      wanted.insert(wanted.begin(), inputs.size());
      inputs.push_back(std::move(tensor));
    }
    const auto one = here->run(inputs, wanted), other = there->run(inputs, wanted);
    ASSERT_TRUE(one && other) << (other ? "" : other.error().text());
    for (size_t i = 0; i < one->size(); ++i) {
      EXPECT_EQ((*one)[i].type, (*other)[i].type);
      EXPECT_EQ((*one)[i].shape, (*other)[i].shape);
      EXPECT_EQ((*one)[i].data, (*other)[i].data);
      EXPECT_EQ((*one)[i].texts, (*other)[i].texts);
    }
  }
}

TEST_F(KeptModel, what_the_model_refuses_is_the_same_error) {
  const auto there = keep("indexed");
  const auto here =
      *make_runtimes(options().runtime, system_clock(), log)->load(testdata::bytes_of("indexed"), "indexed.onnx");
  ASSERT_TRUE(there);
  Tensor at{.type = DType::int64, .shape = {1}};
  at.push(int64_t{99});
  const auto one = here->run({&at, 1}, kFirst), other = there->run({&at, 1}, kFirst);
  ASSERT_FALSE(one);
  ASSERT_FALSE(other);
  EXPECT_EQ(one.error().text(), other.error().text());
  EXPECT_EQ(one.error().code(), other.error().code());
  EXPECT_TRUE(log.why().empty());
}

TEST_F(KeptModel, a_file_that_cannot_be_loaded_is_refused) {
  auto file = share_file(testdata::bytes_of("unknown_op"), "unknown_op.onnx");
  const auto model = keep_model(options(), std::move(*file), counts, context);
  ASSERT_FALSE(model);
  EXPECT_NE(model.error().text().find("NoSuchOperator"), std::string::npos);
}

// Asks until it is answered.
void wait_for_answer(const Model& model) {
  while (true) {
    const auto answer = ask(model);
    if (answer) return;
    ASSERT_EQ(answer.error().code(), Code::unavailable) << answer.error().text();
  }
}

TEST_F(KeptModel, is_started_again_when_it_is_killed_under_load) {
  const auto model = keep("linear");
  ASSERT_TRUE(model);
  std::atomic<bool> stop{false};
  std::atomic<size_t> answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 32; ++i)
    clients.emplace_back([&] {
      while (!stop) {
        const auto answer = ask(*model);
        if (answer) {
          ASSERT_EQ((*answer)[0].as<float>()[0], 321.5F);
          ++answered;
        } else {
          ASSERT_EQ(answer.error().code(), Code::unavailable) << answer.error().text();
        }
      }
    });
  while (answered < 500) std::this_thread::yield();
  ::kill(log.last_pid(), SIGKILL);
  while (counts->restarts < 1) std::this_thread::yield();
  const size_t before = answered;
  while (answered < before + 500) std::this_thread::yield();
  stop = true;
  for (auto& each : clients) each.join();
  ASSERT_EQ(log.why().size(), 1U);
  EXPECT_EQ(log.why()[0], "it ended with signal 9 (Killed)");
}

TEST_F(KeptModel, one_that_stands_still_is_ended_and_started_again) {
  auto how = options();
  how.answer_time = kPatience;
  const auto model = keep("linear", how);
  ASSERT_TRUE(model);
  ::kill(log.last_pid(), SIGSTOP);
  siginfo_t stopped{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(log.last_pid()), &stopped, WSTOPPED | WNOWAIT), 0);
  const auto late = ask(*model);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::unavailable);
  EXPECT_NE(late.error().text().find("took longer than 5 s"), std::string::npos) << late.error().text();
  wait_for_answer(*model);
  EXPECT_EQ(counts->restarts, 1U);
}

TEST_F(KeptModel, a_request_that_never_ends_takes_down_only_its_process) {
  auto how = options();
  how.answer_time = kPatience;
  const auto hangs = keep("sometimes_endless", how), other = keep("linear", how);
  ASSERT_TRUE(hangs && other);
  const Tensor many = numbers({1, 1}, {9e18F}), none = numbers({1, 1}, {0});
  const auto late = hangs->run({&many, 1}, kFirst);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::unavailable);
  EXPECT_TRUE(ask(*other));
  while (true) {
    const auto again = hangs->run({&none, 1}, kFirst);
    if (again) break;
    ASSERT_EQ(again.error().code(), Code::unavailable);
  }
  EXPECT_EQ(counts->running, 2);
}

TEST_F(KeptModel, what_a_large_request_touched_goes_back) {
  const auto model = keep("every_type");
  ASSERT_TRUE(model);
  const auto shared = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("RssShmem:")) return std::stoll(line.substr(9));
    return -1LL;
  };
  std::vector<Tensor> inputs;
  std::vector<size_t> wanted;
  for (const auto& spec : model->inputs()) {
    Tensor tensor{.type = spec.type, .shape = {300'000}};
    if (spec.type == DType::bytes)
      tensor.texts.resize(300'000, "text");
    else
      tensor.data.resize(300'000 * size_of(spec.type));
    wanted.push_back(inputs.size());
    inputs.push_back(std::move(tensor));
  }
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(model->run(inputs, wanted));
    EXPECT_LT(shared(), 8'192);  // KiB; the request has 15 MiB
  }
}

// A process that says what a good one says, and then does what it likes with its slots.
struct HostileProcess : KeptModel {
  std::shared_ptr<const Model> keep_script(const std::string& then) {
    const Verdict verdict{.platform = "p",
                          .inputs = {{.name = "x", .type = DType::fp32, .shape = {-1, 3}}},
                          .outputs = {{.name = "y", .type = DType::fp32, .shape = {-1, 1}}}};
    const std::string text = to_text(Result<Verdict>(verdict));
    const auto size = static_cast<unsigned>(text.size());
    std::string length;
    for (int i = 0; i < 4; ++i) length += fmt::format("\\{:03o}", size >> (8 * i) & 0xff);
    EXPECT_TRUE(
        write_file(folder / "child", fmt::format("#!/bin/sh\nprintf '{}{}' >&3\n{}\n", length, text, then), 0700));
    auto how = options();
    how.program = folder / "child";
    how.answer_time = kPatience;
    return keep("linear", how);
  }
  millrace::testing::Folder folder;
};

constexpr auto kUntilAsked =
    R"sh(while [ "$(dd if=/proc/self/fd/5 bs=1 count=1 2>/dev/null | od -An -tu1 | tr -d ' ')" != 1 ]; do :; done; )sh";

TEST_F(HostileProcess, an_answer_that_is_none_ends_it) {
  const auto model =
      keep_script(std::string(kUntilAsked) +
                  R"(printf '\002' | dd of=/proc/self/fd/5 bs=1 conv=notrunc 2>/dev/null; cat <&3 >/dev/null)");
  ASSERT_TRUE(model);
  const auto answer = ask(*model);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::unavailable);
  EXPECT_NE(answer.error().text().find("broken"), std::string::npos) << answer.error().text();
}

TEST_F(HostileProcess, a_word_that_none_says_ends_it) {
  const auto model =
      keep_script(std::string(kUntilAsked) +
                  R"(printf '\077' | dd of=/proc/self/fd/5 bs=1 conv=notrunc 2>/dev/null; cat <&3 >/dev/null)");
  ASSERT_TRUE(model);
  const auto answer = ask(*model);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text().find("a slot says what none does"), std::string::npos) << answer.error().text();
}

TEST_F(HostileProcess, it_cannot_shrink_the_memory_under_us) {
  const auto model = keep_script(std::string(kUntilAsked) + ": > /proc/self/fd/5; exit 4");
  ASSERT_TRUE(model);
  const auto answer = ask(*model);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text().find("exit status"), std::string::npos) << answer.error().text();
}

}  // namespace
}  // namespace millrace::serve::process
