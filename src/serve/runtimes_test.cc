#include "serve/runtimes.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/files.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

using testdata::file;

// A clock that stands still: both are equally fast, so ours is chosen whenever it may be.
struct RuntimesTest : ::testing::Test {
  Result<std::shared_ptr<const Model>> load(const std::string& name, const std::string& choice = "auto",
                                            const std::string& folder = library_folder()) {
    auto runtimes = make_runtimes({.folder = folder, .onnxruntime = folder + "/libonnxruntime.so", .choice = choice},
                                  clock, silent_log());
    return runtimes->load(file(name), name);
  }
  std::string refusal(const std::string& name, const std::string& choice = "auto") {
    const auto loaded = load(name, choice);
    return loaded ? "" : loaded.error().text();
  }
  // All outputs of some rows, as bytes.
  static std::vector<std::vector<std::byte>> answers(const Model& model) {
    const auto& input = model.inputs()[0];
    Tensor rows{.type = input.type, .shape = {9, input.shape[1]}};
    for (int64_t i = 0; i < 9 * input.shape[1]; ++i) {
      const double value = static_cast<double>(i * 37 % 23) / 4 - 2;
      if (input.type == DType::fp32)
        rows.push(static_cast<float>(value));
      else
        rows.push(value);
    }
    std::vector<size_t> wanted(model.outputs().size());
    std::iota(wanted.begin(), wanted.end(), size_t{0});
    auto out = model.run({&rows, 1}, wanted);
    EXPECT_TRUE(out) << out.error().text();
    std::vector<std::vector<std::byte>> bytes;
    for (const auto& tensor : *out) {
      bytes.push_back(tensor.data);
      for (const auto& text : tensor.texts)
        for (const char c : text) bytes.back().push_back(static_cast<std::byte>(c));
    }
    return bytes;
  }

  ManualClock clock;
};

TEST_F(RuntimesTest, every_format_is_run_by_ours_and_by_its_library_alike) {
  static constexpr std::pair<const char*, const char*> kFiles[] = {{"trees.onnx", "onnxruntime"},
                                                                   {"trees.lightgbm", "lightgbm"},
                                                                   {"trees.xgboost.json", "xgboost"},
                                                                   {"trees.xgboost.ubj", "xgboost"}};
  for (const auto& [name, library] : kFiles) {
    const auto ours = load(name), theirs = load(name, library), asked = load(name, "native");
    ASSERT_TRUE(ours) << ours.error().text();
    ASSERT_TRUE(theirs) << theirs.error().text();
    ASSERT_TRUE(asked) << asked.error().text();
    EXPECT_EQ((*ours)->describe()["runtime"], "native") << (*ours)->describe();
    EXPECT_EQ((*ours)->describe()["compared_rows"], 1558);
    EXPECT_TRUE((*theirs)->describe()["runtime"].get<std::string>().starts_with(library));
    EXPECT_EQ((*asked)->describe()["why"], "asked for; the same bit by bit on the trial rows");
    EXPECT_EQ((*ours)->platform(), (*theirs)->platform());
    EXPECT_EQ(answers(**ours), answers(**theirs)) << name;
  }
}

TEST_F(RuntimesTest, names_formats_and_shapes) {
  const auto lightgbm = load("trees.lightgbm"), json = load("trees.xgboost.json"), ubj = load("trees.xgboost.ubj");
  ASSERT_TRUE(lightgbm && json && ubj);
  EXPECT_EQ((*lightgbm)->platform(), "lightgbm_text");
  EXPECT_EQ((*json)->platform(), "xgboost_json");
  EXPECT_EQ((*ubj)->platform(), "xgboost_ubj");
  EXPECT_EQ(to_text(to_json((*lightgbm)->inputs())), R"([{"datatype":"FP64","name":"input","shape":[-1,4]}])");
  EXPECT_EQ(to_text(to_json((*ubj)->outputs())), R"([{"datatype":"FP32","name":"predict","shape":[-1]}])");
  EXPECT_TRUE((*ubj)->batched());
}

TEST_F(RuntimesTest, without_the_library_ours_serves_and_says_so) {
  const auto model = load("trees.lightgbm", "auto", "/nowhere");
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ((*model)->describe()["runtime"], "native");
  EXPECT_EQ((*model)->describe()["why"], "lightgbm cannot be had, so nothing was compared");
  EXPECT_EQ(answers(**model), answers(**load("trees.lightgbm", "lightgbm")));
  const auto other = load("linear.onnx", "auto", "/nowhere");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), Code::unavailable);
}

TEST_F(RuntimesTest, ensembles_whose_rows_stand_alone_share_calls) {
  for (const auto& [file, choice] : {std::pair{"trees.lightgbm", "lightgbm"}, std::pair{"trees.xgboost.ubj", "xgboost"},
                                     std::pair{"trees.onnx", "onnxruntime"}}) {
    const auto library = load(file, choice), ours = load(file, "native");
    ASSERT_TRUE(library && ours);
    EXPECT_TRUE((*library)->shares_calls()) << file << (*library)->describe();
    EXPECT_TRUE((*ours)->shares_calls()) << file << (*ours)->describe();
  }
}

TEST_F(RuntimesTest, ours_is_not_used_where_it_answers_differently) {
  const auto model = load("trees_other_labels.onnx");
  ASSERT_TRUE(model) << model.error().text();
  const auto facts = (*model)->describe();
  EXPECT_TRUE(facts["runtime"].get<std::string>().starts_with("onnxruntime")) << facts;
  EXPECT_TRUE(
      facts["why"].get<std::string>().starts_with("our evaluator does not answer as it does: element 0 of 'label'"))
      << facts;
  const auto forced = load("trees_other_labels.onnx", "native");
  ASSERT_FALSE(forced);
  EXPECT_EQ(forced.error().code(), Code::rejected);
  EXPECT_EQ(forced.error().hint(), "serve it with --runtime auto");
}

TEST_F(RuntimesTest, what_ours_does_not_run_goes_to_the_library) {
  const auto model = load("linear.onnx");
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ((*model)->describe()["why"],
            "our evaluator does not run it: the graph has no TreeEnsembleClassifier or TreeEnsembleRegressor");
  EXPECT_EQ(refusal("linear.onnx", "native"),
            "linear.onnx: the graph has no TreeEnsembleClassifier or TreeEnsembleRegressor");
}

TEST_F(RuntimesTest, refuses_what_it_cannot_run) {
  EXPECT_EQ(refusal("trees.onnx", "lightgbm"),
            "trees.onnx: the runtime 'lightgbm' does not run ONNX models. Hint: ask for auto, native or onnxruntime");
  auto runtimes = make_runtimes({.folder = library_folder()}, clock, silent_log());
  const auto pickle = runtimes->load("\x80\x04\x95rest", "model.pkl");
  ASSERT_FALSE(pickle);
  EXPECT_TRUE(pickle.error().text().starts_with("model.pkl: the file is a pickle")) << pickle.error().text();
  EXPECT_FALSE(runtimes->load("binf....", "old.bin"));
  EXPECT_FALSE(runtimes->load("tree\nnothing", "model.txt"));
  EXPECT_FALSE(runtimes->load("{\"a\":1}", "model.json"));
  EXPECT_FALSE(runtimes->load("", "empty"));
  EXPECT_TRUE(check_choice("native"));
  EXPECT_EQ(check_choice("fast").error().text(),
            "there is no runtime 'fast'. Hint: auto, native, onnxruntime, lightgbm or xgboost");
}

}  // namespace
}  // namespace millrace::serve
