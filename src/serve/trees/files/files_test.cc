// The readers of model files: what they read, and what damaged and hostile files come to.
#include <gtest/gtest.h>

#include "core/limits/tree_limits.h"
#include "serve/testdata/models.h"
#include "serve/trees/files/lightgbm_file.h"
#include "serve/trees/files/onnx_file.h"
#include "serve/trees/files/ubj.h"
#include "serve/trees/files/xgboost_file.h"
#include "serve/trees/tree_model.h"

namespace millrace::serve::trees {
namespace {

using namespace std::string_literals;
using testdata::file;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

template <class T>
std::string refusal(const Result<T>& read) {
  return read ? "" : read.error().text();
}

// Laid out as well: what a reader lets through must be safe to lay out.
Result<std::shared_ptr<const TreeModel>> lightgbm_model(std::string_view bytes) {
  return make_lightgbm_trees(bytes, "f");
}
Result<std::shared_ptr<const TreeModel>> xgboost_model(std::string_view bytes) {
  return make_xgboost_trees(bytes, "f");
}
Result<std::shared_ptr<const TreeModel>> onnx_model(std::string_view bytes) { return make_onnx_trees(bytes, "f"); }

// Files are tried at every kStride-th byte: primes, so that all fields of a repeated pattern are met.
constexpr size_t kCutStride = 23, kDamageStride = 13;

// Any beginning of a file is refused, but for what follows the model in it.
template <class Read>
void cut_short_everywhere(const std::string& bytes, Read read, size_t least_refused) {
  for (size_t size = 0; size < least_refused; size += kCutStride)
    EXPECT_FALSE(read(std::string_view(bytes).substr(0, size))) << size << " bytes";
}

// Bytes changed one at a time: an error, or another model, which then can be tried.
template <class Read>
void damaged_everywhere(const std::string& bytes, Read read) {
  for (size_t at = 0; at < bytes.size(); at += kDamageStride)
    for (const char change : {'\xff', '9'}) {
      std::string other = bytes;
      other[at] = change;
      const auto model = read(other);
      EXPECT_TRUE(!model || (*model)->trial(3, true).shape[0] == 3) << "byte " << at;
    }
}

TEST(LightgbmFile, is_read) {
  const auto model = read_lightgbm(file("trees.lightgbm"));
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->ensemble.features, 4U);
  EXPECT_EQ(model->ensemble.trees.size(), 4U);
  EXPECT_EQ(model->names, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(model->link, LightgbmTrees::Link::sigmoid);
  EXPECT_FALSE(model->ensemble.sets.empty());
}

TEST(LightgbmFile, damage_is_an_error) {
  const auto text = file("trees.lightgbm");
  cut_short_everywhere(text, read_lightgbm, text.find("end of trees"));
  damaged_everywhere(text, lightgbm_model);
}

TEST(LightgbmFile, says_what_is_wrong) {
  const auto text = file("trees.lightgbm");
  const auto with = [&](const std::string& from, const std::string& to) {
    return refusal(read_lightgbm(replaced(text, from, to)));
  };
  EXPECT_TRUE(with("max_feature_idx=3", "max_feature_idx=1").starts_with("reading tree 0: a tree asks for feature"));
  EXPECT_TRUE(
      with("max_feature_idx=3", "max_feature_idx=70000").starts_with("'max_feature_idx' is 70000, the limit is 65534"));
  EXPECT_TRUE(with("max_feature_idx=3", "")
                  .starts_with("the text is no LightGBM model: 'max_feature_idx' is missing or no number"));
  EXPECT_TRUE(
      with("num_tree_per_iteration=1", "num_tree_per_iteration=0").starts_with("'num_tree_per_iteration' is 0"));
  EXPECT_TRUE(
      with("num_tree_per_iteration=1", "num_tree_per_iteration=3").starts_with("the last iteration lacks trees"));
  EXPECT_TRUE(with("num_leaves=6", "num_leaves=60000000")
                  .starts_with("reading tree 0: 'num_leaves' is 60000000, the limit is 4000000"));
  EXPECT_TRUE(with("num_leaves=6", "num_leaves=7").starts_with("reading tree 0: 'leaf_value' has fewer than 7 values"));
  EXPECT_TRUE(with("left_child=", "left_child=0 ").starts_with("tree 0 of the model reaches node 0 twice"));
  EXPECT_TRUE(with("left_child=", "left_child=-2000000000 ")
                  .starts_with("reading tree 0: a tree has a branch to a node that is not there"));
  EXPECT_TRUE(with("threshold=", "threshold=nan ").find("not a number") != std::string::npos);
  EXPECT_TRUE(with("cat_boundaries=0", "cat_boundaries=4000000000").starts_with("reading tree"));
  EXPECT_TRUE(
      with("is_linear=0", "is_linear=1").starts_with("reading tree 0: its leaves are linear models (linear_tree)"));
  EXPECT_TRUE(with("objective=binary", "objective=mine").starts_with("the objective 'mine' is not known"));
  EXPECT_TRUE(with("sigmoid:1", "sigmoid:-1").starts_with("the objective has the sigmoid '-1'"));
  EXPECT_TRUE(with("end of trees", "").starts_with("the text ends before 'end of trees'. Hint: copy the file again"));
}

TEST(XgboostFile, json_and_ubj_are_the_same_model) {
  const auto json = read_xgboost(file("trees.xgboost.json")), ubj = read_xgboost(file("trees.xgboost.ubj"));
  ASSERT_TRUE(json) << json.error().text();
  ASSERT_TRUE(ubj) << ubj.error().text();
  EXPECT_FALSE(json->ubj);
  EXPECT_TRUE(ubj->ubj);
  EXPECT_EQ(json->names, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(json->base, ubj->base);
  ASSERT_EQ(json->ensemble.trees.size(), ubj->ensemble.trees.size());
  EXPECT_EQ(json->ensemble.sets, ubj->ensemble.sets);
  for (size_t i = 0; i < json->ensemble.trees.size(); ++i) {
    const auto &a = json->ensemble.trees[i], &b = ubj->ensemble.trees[i];
    ASSERT_EQ(a.nodes.size(), b.nodes.size());
    for (size_t n = 0; n < a.nodes.size(); ++n) EXPECT_EQ(a.nodes[n].value, b.nodes[n].value);
  }
}

TEST(XgboostFile, damage_is_an_error) {
  const auto json = file("trees.xgboost.json"), ubj = file("trees.xgboost.ubj");
  cut_short_everywhere(json, read_xgboost, json.size());
  cut_short_everywhere(ubj, read_xgboost, ubj.size());
  damaged_everywhere(json, xgboost_model);
  damaged_everywhere(ubj, xgboost_model);
}

TEST(XgboostFile, says_what_is_wrong) {
  const auto text = file("trees.xgboost.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    return refusal(read_xgboost(replaced(text, from, to)));
  };
  EXPECT_TRUE(refusal(read_xgboost("{}")).starts_with("the document is no XGBoost model: it has no 'learner'"));
  EXPECT_TRUE(with(R"("num_class":"0","num_feature":"4")", R"("num_class":"0","num_feature":"1")")
                  .starts_with("reading tree 0: a tree asks for feature"));
  EXPECT_TRUE(with(R"("num_class":"0","num_feature":"4")", R"("num_class":"0","num_feature":"70000")")
                  .starts_with("the model has 70000 features, the limit is 65535"));
  EXPECT_TRUE(with(R"("num_class":"0","num_feature":"4")", R"("num_class":"0","num_feature":"x")")
                  .starts_with("'num_feature' is no whole number"));
  EXPECT_TRUE(with(R"("num_class":"0")", R"("num_class":"20000")")
                  .starts_with("the model has 20000 outputs, the limit is 10000"));
  EXPECT_TRUE(with(R"("size_leaf_vector":"1")", R"("size_leaf_vector":"2")")
                  .starts_with("reading tree 0: its leaves hold vectors"));
  EXPECT_TRUE(
      with(R"("left_children":[1)", R"("left_children":[0)").starts_with("tree 0 of the model reaches node 0 twice"));
  EXPECT_TRUE(with(R"("left_children":[1)", R"("left_children":[999)")
                  .starts_with("reading tree 0: a tree has a branch to a node that is not there"));
  EXPECT_TRUE(with(R"("left_children":[1,)", R"("left_children":[)")
                  .starts_with("reading tree 0: 'right_children' of a tree has"));
  EXPECT_TRUE(with(R"("tree_info":[0)", R"("tree_info":[7)").starts_with("tree 0 adds to output 7, and there are 1"));
  EXPECT_TRUE(with("binary:logistic", "binary:mine").starts_with("the objective 'binary:mine' is not known"));
  EXPECT_TRUE(with(R"("name":"gbtree")", R"("name":"gblinear")").starts_with("the booster 'gblinear' has no trees"));
}

TEST(Ubj, refuses_what_would_take_memory_without_having_bytes) {
  const auto refused = [](std::string bytes) { return refusal(parse_ubj(bytes)); };
  const std::string huge("L\x00\x00\x7f\xff\xff\xff\xff\xff", 9);
  EXPECT_NE(refused("[$d#" + huge).find("a length goes past the end"), std::string::npos);
  EXPECT_NE(refused("[#" + huge).find("a length goes past the end"), std::string::npos);
  EXPECT_NE(refused("{" + huge).find("a length goes past the end"), std::string::npos);
  EXPECT_NE(refused("[$Z#i\x7f").find("an array of one type is not of numbers"), std::string::npos);
  EXPECT_NE(refused("[#i\xff").find("a length goes past the end"), std::string::npos);
  EXPECT_NE(refused("{i\x01"
                    "aTi\x01"
                    "aT}")
                .find("a key stands twice"),
            std::string::npos);
  EXPECT_NE(refused("TT").find("bytes follow the document"), std::string::npos);
  EXPECT_NE(refused("").find("there is no such type"), std::string::npos);
  EXPECT_NE(refused(std::string(limits::tree_document_depth + 1, '[')).find("nested more than 32 deep"),
            std::string::npos);
}

TEST(Ubj, reads_every_type) {
  const auto read = parse_ubj(
      "{i\x01"
      "a[$I#i\x02\x00\x01\xff\xff"
      "i\x01"
      "b[Ti\xfe"
      "d\x3f\x80\x00\x00"
      "FZ]i\x01"
      "cSi\x02hi}"s);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, Json::parse(R"({"a":[1,-1],"b":[true,-2,1.0,false,null],"c":"hi"})"));
}

TEST(OnnxFile, is_read) {
  const auto model = read_onnx(file("trees.onnx"));
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->input, "x");
  EXPECT_EQ(model->label_texts, (std::vector<std::string>{"low", "middle", "high"}));
  EXPECT_EQ(model->transform, Transform::softmax);
  EXPECT_EQ(model->ensemble.trees.size(), 6U);
  ASSERT_EQ(model->outputs.size(), 2U);
  EXPECT_TRUE(model->outputs[0].label);
}

TEST(OnnxFile, damage_is_an_error) {
  const auto bytes = file("trees.onnx");
  cut_short_everywhere(bytes, read_onnx, bytes.size() - 40);
  damaged_everywhere(bytes, onnx_model);
}

TEST(OnnxFile, other_graphs_are_left_to_the_runtime) {
  EXPECT_EQ(refusal(read_onnx(testdata::bytes_of("linear"))),
            "the graph has no TreeEnsembleClassifier or TreeEnsembleRegressor");
  const auto bytes = file("trees.onnx");
  EXPECT_TRUE(refusal(read_onnx(replaced(bytes, "BRANCH_NEQ", "BRANCH_XEQ")))
                  .starts_with("the node mode 'BRANCH_XEQ' is not known"));
  EXPECT_TRUE(refusal(read_onnx(replaced(bytes, "SOFTMAX", "SOFTMIX")))
                  .starts_with("the post_transform 'SOFTMIX' is not known"));
}

}  // namespace
}  // namespace millrace::serve::trees
