#include "serve/runtimes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "serve/onnx/runtime.h"
#include "serve/together.h"
#include "serve/trees/libraries.h"
#include "serve/trees/tree_model.h"
#include "serve/trees/trial.h"

namespace millrace::serve {
namespace {

using ModelPtr = std::shared_ptr<const Model>;
using TreesPtr = std::shared_ptr<const trees::TreeModel>;

enum class Format : uint8_t { onnx, lightgbm, xgboost };

struct FormatFacts {
  std::string_view name, reference;
  Result<TreesPtr> (*make)(std::string_view bytes, const std::string& from);
};
constexpr FormatFacts kFormats[] = {{"ONNX", "onnxruntime", trees::make_onnx_trees},
                                    {"LightGBM", "lightgbm", trees::make_lightgbm_trees},
                                    {"XGBoost", "xgboost", trees::make_xgboost_trees}};
constexpr std::string_view kAuto = "auto", kNative = "native";

// By the first bytes. What is none of ours goes to ONNX Runtime, whose errors say so.
Result<Format> format_of(std::string_view bytes, const std::string& from) {
  const auto refuse = [&](std::string what) { return Error{Code::unsupported, std::move(what)}.at({.file = from}); };
  if (bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n")) return Format::lightgbm;
  if (bytes.starts_with("binf"))
    return refuse("the file is XGBoost's old binary format").hint("save it again: booster.save_model('model.ubj')");
  if (bytes.starts_with("\x80\x04") || bytes.starts_with("\x80\x05"))
    return refuse("the file is a pickle, which would run code of its own when it is read")
        .hint("export the model: ONNX, XGBoost's save_model('model.ubj') or LightGBM's save_model('model.txt')");
  const auto first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '{') return Format::xgboost;
  return Format::onnx;
}

// A model beside what is said of it.
class Described final : public Model {
 public:
  Described(ModelPtr model, Json facts, bool shares_calls)
      : model_(std::move(model)), facts_(std::move(facts)), shares_calls_(shares_calls) {}
  std::string_view platform() const override { return model_->platform(); }
  const std::vector<TensorSpec>& inputs() const override { return model_->inputs(); }
  const std::vector<TensorSpec>& outputs() const override { return model_->outputs(); }
  bool batched() const override { return model_->batched(); }
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    return model_->run(inputs, wanted);
  }
  bool shares_calls() const override { return shares_calls_; }
  Json describe() const override { return facts_; }

 private:
  ModelPtr model_;
  Json facts_;
  const bool shares_calls_;
};

class Runtimes final : public Runtime {
 public:
  Runtimes(RuntimeOptions options, const Clock& clock, Log& log)
      : choice_(std::move(options.choice)), batching_(std::move(options.batching)), clock_(clock), log_(log) {
    references_[0] = make_onnx_runtime(std::move(options.onnxruntime), log);
    references_[1] = trees::make_lightgbm_library(options.folder + "/lib_lightgbm.so");
    references_[2] = trees::make_xgboost_library(options.folder + "/libxgboost.so");
  }

  Result<ModelPtr> load(std::string_view bytes, const std::string& from) override {
    MILLRACE_TRY(const auto format, format_of(bytes, from));
    const auto& facts = kFormats[static_cast<size_t>(format)];
    auto& reference = *references_[static_cast<size_t>(format)];
    if (choice_ == facts.reference) {
      MILLRACE_TRY(auto model, reference.load(bytes, from));
      return say(std::move(model), from, {{"runtime", reference.describe(bytes)}, {"why", "asked for"}});
    }
    if (choice_ != kAuto && choice_ != kNative)
      return Error{Code::invalid, fmt::format("the runtime '{}' does not run {} models", choice_, facts.name)}
          .at({.file = from})
          .hint(fmt::format("ask for auto, native or {}", facts.reference));
    auto native = facts.make(bytes, from);
    if (!native) return without_native(format, std::move(native).error(), reference, bytes, from);
    auto known = reference.load(bytes, from);
    if (known) return choose(*native, *known, reference.describe(bytes), from);
    if (known.error().code() != Code::unavailable) return std::move(known).error();
    return say(
        *native, from,
        {{"runtime", kNative}, {"why", fmt::format("{} cannot be had, so nothing was compared", facts.reference)}});
  }

  std::string describe(std::string_view bytes) override {
    const auto format = format_of(bytes, "");
    return format ? references_[static_cast<size_t>(*format)]->describe(bytes) : format.error().message();
  }

 private:
  // A file that is damaged goes no further than our own reader, except that ONNX has its own reader beside ours.
  Result<ModelPtr> without_native(Format format, Error error, Runtime& reference, std::string_view bytes,
                                  const std::string& from) {
    if (choice_ == kNative) return error;
    if (format != Format::onnx && error.code() != Code::unsupported) return error;
    MILLRACE_TRY(auto model, reference.load(bytes, from));
    return say(std::move(model), from,
               {{"runtime", reference.describe(bytes)}, {"why", "our evaluator does not run it: " + error.message()}});
  }

  Result<ModelPtr> choose(const TreesPtr& native, const ModelPtr& known, const std::string& name,
                          const std::string& from) {
    const auto trial = trees::compare(*native, *known, clock_);
    Json facts{{"reference", name}, {"compared_rows", trial.rows}};
    if (!trial.difference.empty()) {
      if (choice_ == kNative)
        return Error{Code::rejected,
                     fmt::format("our evaluator does not answer as {} does: {}", name, trial.difference)}
            .at({.file = from})
            .hint("serve it with --runtime auto");
      facts["runtime"] = name;
      facts["why"] = "our evaluator does not answer as it does: " + trial.difference;
      return say(known, from, std::move(facts));
    }
    facts["one_row_us"] = {{"native", trial.native_us}, {"reference", trial.reference_us}};
    const bool faster = trial.native_us <= trial.reference_us;
    facts["runtime"] = faster || choice_ == kNative ? std::string(kNative) : name;
    facts["why"] = choice_ == kNative ? "asked for; the same bit by bit on the trial rows"
                   : faster           ? "the same bit by bit on the trial rows, and not slower at one row"
                                      : "our evaluator is slower at one row";
    return say(faster || choice_ == kNative ? ModelPtr(native) : known, from, std::move(facts));
  }

  Result<ModelPtr> say(ModelPtr model, const std::string& from, Json facts) {
    MILLRACE_TRY(const auto batching, read_batching(batching_));
    const auto why = why_alone(*model, batching, clock_);
    facts["batching"] = why.empty() ? Json{{"shared", true}} : Json{{"shared", false}, {"why", why}};
    Json line = facts;
    line["file"] = from;
    log_.info("model_runtime", line);
    return ModelPtr(std::make_shared<Described>(std::move(model), std::move(facts), why.empty()));
  }

  const std::string choice_, batching_;
  const Clock& clock_;
  Log& log_;
  std::unique_ptr<Runtime> references_[std::size(kFormats)];
};

}  // namespace

Result<void> check_choice(const std::string& choice) {
  if (choice == kAuto || choice == kNative) return {};
  for (const auto& format : kFormats)
    if (format.reference == choice) return {};
  return Error{Code::invalid, fmt::format("there is no runtime '{}'", choice)}.hint(
      "auto, native, onnxruntime, lightgbm or xgboost");
}

std::unique_ptr<Runtime> make_runtimes(RuntimeOptions options, const Clock& clock, Log& log) {
  return std::make_unique<Runtimes>(std::move(options), clock, log);
}

}  // namespace millrace::serve
