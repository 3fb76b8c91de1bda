#include "serve/onnx/runtime.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "serve/onnx/library.h"
#include "serve/onnx/model_file.h"
#include "serve/opened_once.h"

namespace millrace::serve {
namespace {
using onnx::Library;
using LibraryPtr = std::shared_ptr<const Library>;

struct Declared {
  TensorSpec spec;
  std::string row_symbol;  // the file's name of the first dimension, "" = unnamed
};

class OnnxModel final : public Model {
 public:
  OnnxModel(LibraryPtr library, onnx::Session session) : library_(std::move(library)), session_(std::move(session)) {}

  std::string_view platform() const override { return "onnx_onnxv1"; }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  bool batched() const override { return batched_; }

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    std::vector<onnx::Value> values;
    std::vector<const onnx::OrtValue*> given;
    values.reserve(inputs.size());
    given.reserve(inputs.size());
    for (const auto& input : inputs) {
      MILLRACE_TRY(auto value, onnx::to_value(*library_, input));
      values.push_back(std::move(value));
      given.push_back(values.back().get());
    }
    std::vector<const char*> some_names;
    const char* const* wanted_names = output_names_.data();
    if (!is_all(wanted)) {
      for (const size_t at : wanted) some_names.push_back(output_names_[at]);
      wanted_names = some_names.data();
    }
    std::vector<onnx::OrtValue*> results(wanted.size(), nullptr);
    auto ran = library_->check(library_->api.run(session_.get(), nullptr, input_names_.data(), given.data(),
                                                 given.size(), wanted_names, wanted.size(), results.data()));
    return collect(std::move(ran), results);
  }

  // Reads what the file declares, then lets two trial runs correct it.
  Result<void> learn(const std::string& from, Log& log) {
    std::vector<Declared> inputs, outputs;
    MILLRACE_TRY(inputs, declared(true));
    MILLRACE_TRY(outputs, declared(false));
    for (auto& input : inputs) inputs_.push_back(input.spec);
    for (auto& output : outputs) outputs_.push_back(output.spec);
    for (const auto& input : inputs_) input_names_.push_back(input.name.c_str());
    for (const auto& output : outputs_) output_names_.push_back(output.name.c_str());
    batched_ = is_batched(inputs);
    const auto one = trial(1), two = batched_ ? trial(2) : trial(1);
    if (one && two) {
      for (size_t i = 0; i < outputs_.size(); ++i)
        outputs_[i].shape = observed((*one)[i].shape, (*two)[i].shape, outputs_[i].shape);
    } else {
      const Error& error = one ? two.error() : one.error();
      if (error.code() == Code::too_large) return Error(error).while_doing("trying the model with one row and two");
      log.warn(
          "model_trial_failed",
          {{"file", from}, {"error", error.message()}, {"effect", "outputs have the shapes that the file declares"}});
    }
    return {};
  }

 private:
  bool is_all(std::span<const size_t> wanted) const {
    if (wanted.size() != outputs_.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i] != i) return false;
    return true;
  }

  Result<std::vector<Tensor>> collect(Result<void> ran, const std::vector<onnx::OrtValue*>& results) const {
    std::vector<onnx::Value> owned;
    owned.reserve(results.size());
    for (auto* each : results) {
      owned.emplace_back(*library_);
      *owned.back().out() = each;
    }
    if (!ran) return std::move(ran).error().while_doing("running the model");
    std::vector<Tensor> out;
    out.reserve(owned.size());
    for (const auto& each : owned) {
      MILLRACE_TRY(auto tensor, onnx::to_tensor(*library_, each.get()));
      out.push_back(std::move(tensor));
    }
    return out;
  }

  Result<std::vector<Declared>> declared(bool input) const {
    const auto& api = library_->api;
    size_t count = 0;
    MILLRACE_DO(
        library_->check(input ? api.input_count(session_.get(), &count) : api.output_count(session_.get(), &count)));
    if (count == 0) return Error{Code::unsupported, input ? "the model has no inputs" : "the model has no outputs"};
    if (count > limits::model_tensors)
      return Error{Code::too_large,
                   fmt::format("the model has {} inputs or outputs, the limit is {}", count, limits::model_tensors)};
    std::vector<Declared> out;
    for (size_t i = 0; i < count; ++i) {
      MILLRACE_TRY(auto one, declared_one(input, i));
      out.push_back(std::move(one));
    }
    return out;
  }

  Result<Declared> declared_one(bool input, size_t at) const {
    const auto& api = library_->api;
    Declared out;
    char* name = nullptr;
    MILLRACE_DO(library_->check(input ? api.input_name(session_.get(), at, library_->allocator, &name)
                                      : api.output_name(session_.get(), at, library_->allocator, &name)));
    out.spec.name = name;
    MILLRACE_DO(library_->check(api.allocator_free(library_->allocator, name)));
    onnx::TypeInfo type(*library_);
    MILLRACE_DO(library_->check(input ? api.input_type(session_.get(), at, type.out())
                                      : api.output_type(session_.get(), at, type.out())));
    int kind = 0;
    MILLRACE_DO(library_->check(api.kind_of(type.get(), &kind)));
    const auto refuse = [&](const std::string& what) {
      return Error{Code::unsupported,
                   fmt::format("the model's {} '{}' {}", input ? "input" : "output", out.spec.name, what)};
    };
    if (kind != onnx::kTypeTensor)
      return refuse("is not a tensor")
          .hint(
              "scikit-learn classifiers: convert with options={'zipmap': False}; it makes the probabilities a tensor");
    const onnx::OrtTensorInfo* info = nullptr;
    MILLRACE_DO(library_->check(api.cast_to_tensor_info(type.get(), &info)));
    int element = 0;
    MILLRACE_DO(library_->check(api.element_type(info, &element)));
    const auto found = onnx::dtype_of(element);
    if (!found)
      return refuse("has an element type that is not served (8-bit floats, complex numbers and others)")
          .hint("cast it to FP32 inside the model");
    out.spec.type = *found;
    size_t rank = 0;
    MILLRACE_DO(library_->check(api.rank(info, &rank)));
    if (rank > kMaxRank) return refuse(fmt::format("has more than {} dimensions", kMaxRank));
    MILLRACE_DO(read_shape(info, rank, out));
    return out;
  }

  Result<void> read_shape(const onnx::OrtTensorInfo* info, size_t rank, Declared& out) const {
    std::vector<int64_t> dims(rank);
    std::vector<const char*> symbols(rank, nullptr);
    MILLRACE_DO(library_->check(library_->api.dimensions(info, dims.data(), rank)));
    MILLRACE_DO(library_->check(library_->api.symbols(info, symbols.data(), rank)));
    for (const auto dim : dims) out.spec.shape.push(dim < 0 ? -1 : dim);
    if (rank > 0 && symbols[0] != nullptr) out.row_symbol = symbols[0];
    return {};
  }

  static bool is_batched(const std::vector<Declared>& inputs) {
    for (const auto& input : inputs) {
      if (input.spec.shape.rank() == 0 || input.spec.shape[0] != -1) return false;
      if (input.row_symbol != inputs[0].row_symbol) return false;
    }
    return true;
  }

  Result<std::vector<Tensor>> trial(int64_t rows) const {
    std::vector<Tensor> zeros;
    for (const auto& spec : inputs_) {
      Tensor tensor{.type = spec.type};
      for (size_t i = 0; i < spec.shape.rank(); ++i)
        tensor.shape.push(spec.shape[i] == -1 ? (i == 0 ? rows : 1) : spec.shape[i]);
      const auto count = tensor.shape.elements();
      if (!count || *count > limits::inference_body_bytes)
        return Error{Code::unsupported, fmt::format("the input '{}' is too large to try", spec.name)};
      if (spec.type == DType::bytes)
        tensor.texts.resize(*count);
      else
        tensor.data.resize(*count * size_of(spec.type));
      zeros.push_back(std::move(tensor));
    }
    std::vector<size_t> all(outputs_.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return run(zeros, all);
  }

  // A dimension that follows the rows varies; one that the file leaves open stays open.
  static Shape observed(const Shape& one, const Shape& two, const Shape& declared) {
    if (one.rank() != two.rank()) return declared;
    Shape out;
    for (size_t i = 0; i < one.rank(); ++i) {
      const bool open =
          one[i] != two[i] || (i > 0 && declared.rank() == one.rank() && declared[i] == -1 && one[i] == 1);
      out.push(open ? -1 : one[i]);
    }
    return out;
  }

  LibraryPtr library_;
  onnx::Session session_;
  std::vector<TensorSpec> inputs_, outputs_;
  std::vector<const char*> input_names_, output_names_;  // of those, as every call needs them
  bool batched_ = false;
};

class OnnxRuntime final : public Runtime {
 public:
  OnnxRuntime(std::string path, Log& log) : library_(std::move(path)), log_(log) {}

  Result<std::shared_ptr<const Model>> load(std::string_view bytes, const std::string& from) override {
    MILLRACE_TRY(const auto facts, onnx::inspect(bytes, from));
    MILLRACE_TRY(auto library, library_.get());
    auto model = build(std::move(library), bytes, from);
    if (!model)
      return std::move(model)
          .error()
          .at({.file = from})
          .while_doing(fmt::format("loading the ONNX model (IR {}, {} nodes)", facts.ir_version, facts.nodes));
    return std::shared_ptr<const Model>(std::move(*model));
  }

  std::string describe(std::string_view) override {
    const auto library = library_.get();
    return library ? "onnxruntime " + (*library)->version : library.error().message();
  }

 private:
  Result<std::shared_ptr<OnnxModel>> build(LibraryPtr library, std::string_view bytes, const std::string& from) {
    const auto& api = library->api;
    onnx::SessionOptions options(*library);
    MILLRACE_DO(library->check(api.create_session_options(options.out())));
    // One thread: requests run beside each other, and results do not depend on the machine's cores.
    MILLRACE_DO(library->check(api.set_intra_threads(options.get(), 1)));
    MILLRACE_DO(library->check(api.set_inter_threads(options.get(), 1)));
    MILLRACE_DO(library->check(api.set_optimization(options.get(), onnx::kOptimizeAll)));
    MILLRACE_DO(library->check(api.set_log_severity(options.get(), onnx::kLogFatal)));
    // Memory patterns are kept for every input shape ever seen: batches of all sizes would make that grow.
    MILLRACE_DO(library->check(api.disable_memory_pattern(options.get())));
    onnx::Session session(*library);
    MILLRACE_DO(library->check(
        api.create_session_from_array(library->env, bytes.data(), bytes.size(), options.get(), session.out())));
    auto model = std::make_shared<OnnxModel>(std::move(library), std::move(session));
    MILLRACE_DO(model->learn(from, log_));
    return model;
  }

  OpenedOnce<Library> library_;
  Log& log_;
};

}  // namespace

std::unique_ptr<Runtime> make_onnx_runtime(std::string library, Log& log) {
  return std::make_unique<OnnxRuntime>(std::move(library), log);
}

}  // namespace millrace::serve
