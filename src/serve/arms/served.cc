#include "serve/arms/served.h"

#include <fmt/format.h>

#include "serve/arms/assign.h"
#include "serve/judge/judge.h"

namespace millrace::serve {
namespace {

std::string shown(const TensorSpec& spec) {
  return fmt::format("'{}' {} {}", spec.name, name_of(spec.type), spec.shape.text());
}

// The first place where two lists differ, in words; "" = nowhere.
std::string difference(std::string_view what, const std::vector<TensorSpec>& stable,
                       const std::vector<TensorSpec>& other) {
  for (size_t i = 0; i < std::max(stable.size(), other.size()); ++i) {
    if (i >= other.size()) return fmt::format("it has no {} {}", what, shown(stable[i]));
    if (i >= stable.size()) return fmt::format("it has another {} {}", what, shown(other[i]));
    if (stable[i].name != other[i].name || stable[i].type != other[i].type || !(stable[i].shape == other[i].shape))
      return fmt::format("its {} {} is {}, where the stable arm has {}", what, i + 1, shown(other[i]),
                         shown(stable[i]));
  }
  return "";
}

std::string name_of(const Arm& arm) { return fmt::format("{}@{}", arm.model, arm.version); }

}  // namespace

std::string Served::unit_of(const std::string& given, const std::vector<Tensor>& inputs) const {
  if (!given.empty() || !unit_input) return given;
  return unit_in(inputs[*unit_input]).value_or("");
}

const ServedArm* Served::canary_in() const { return canary && !(judge && judge->out()) ? &*canary : nullptr; }

const ServedArm& Served::arm_of(const std::string& unit) const {
  if (unit.empty() || canary_in() == nullptr) return stable;
  return takes(canary_share, bucket_of(salt, unit)) ? *canary : stable;
}

Result<void> check_same_requests(const ServedArm& stable, const ServedArm& other) {
  auto found = difference("input", stable.arm.inputs, other.arm.inputs);
  if (found.empty()) found = difference("output", stable.arm.outputs, other.arm.outputs);
  if (found.empty()) return {};
  return Error{Code::invalid, fmt::format("the {} {} cannot answer what {} is asked: {}", other.arm.name,
                                          name_of(other.arm), name_of(stable.arm), found)}
      .hint("a model with other inputs or outputs goes out as the stable arm, whose clients then send what it takes");
}

}  // namespace millrace::serve
