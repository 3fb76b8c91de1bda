#include "serve/process/wire.h"

#include <cstring>

#include <fmt/format.h>

#include "core/error_json.h"
#include "core/limits.h"
#include "core/limits/model_limits.h"
#include "serve/process/trial/verdict.h"

namespace millrace::serve::process {
namespace {

enum : uint32_t { kRequest = 0x7e57'0001, kTensors = 0x7e57'0002, kError = 0x7e57'0003 };

constexpr size_t kAlign = 8;

struct Head {
  uint32_t kind = 0;
  uint32_t count = 0;   // tensors
  uint32_t wanted = 0;  // of a request
  uint32_t unused = 0;
};
struct TensorHead {
  uint32_t type = 0;
  uint32_t rank = 0;
  uint64_t elements = 0;
  uint64_t bytes = 0;  // of numbers, or of all texts together
  int64_t dims[kMaxRank] = {};
};

class Out {
 public:
  explicit Out(std::span<std::byte> room) : room_(room) {}
  void put(const void* bytes, size_t size) {
    if (full_ || size > room_.size() - at_) {
      full_ = true;
      return;
    }
    if (size > 0) std::memcpy(room_.data() + at_, bytes, size);
    at_ = std::min((at_ + size + kAlign - 1) / kAlign * kAlign, room_.size());
  }
  template <class T>
  void put(const T& value) {
    put(&value, sizeof value);
  }
  bool full() const { return full_; }
  size_t used() const { return at_; }

 private:
  std::span<std::byte> room_;
  size_t at_ = 0;
  bool full_ = false;
};

class In {
 public:
  explicit In(std::span<const std::byte> room) : room_(room) {}
  // Null when the room ends before.
  const std::byte* take(uint64_t size) {
    if (size > room_.size() - at_) return nullptr;
    const std::byte* out = room_.data() + at_;
    at_ = std::min((at_ + static_cast<size_t>(size) + kAlign - 1) / kAlign * kAlign, room_.size());
    return out;
  }
  template <class T>
  bool get(T& value) {
    const std::byte* from = take(sizeof value);
    if (from != nullptr) std::memcpy(&value, from, sizeof value);
    return from != nullptr;
  }
  size_t used() const { return at_; }

 private:
  std::span<const std::byte> room_;
  size_t at_ = 0;
};

Error broken(std::string_view what) {
  return Error{Code::corrupt, fmt::format("a message of a model's process is broken: {}", what)};
}

// Texts: their sizes, then their bytes.
void put_texts(Out& out, const Tensor& tensor, TensorHead head) {
  std::vector<uint32_t> sizes;
  sizes.reserve(tensor.texts.size());
  for (const auto& text : tensor.texts) {
    sizes.push_back(static_cast<uint32_t>(text.size()));
    head.bytes += text.size();
  }
  out.put(head);
  out.put(sizes.data(), sizes.size() * sizeof(uint32_t));
  std::string all;
  all.reserve(head.bytes);
  for (const auto& text : tensor.texts) all += text;
  out.put(all.data(), all.size());
}

void put_tensor(Out& out, const Tensor& tensor) {
  TensorHead head{.type = static_cast<uint32_t>(tensor.type),
                  .rank = static_cast<uint32_t>(tensor.shape.rank()),
                  .elements = tensor.elements()};
  std::copy(tensor.shape.begin(), tensor.shape.end(), head.dims);
  if (tensor.type == DType::bytes) return put_texts(out, tensor, head);
  head.bytes = tensor.data.size();
  out.put(head);
  out.put(tensor.data.data(), tensor.data.size());
}

Result<void> get_texts(In& in, const TensorHead& head, Tensor& out) {
  if (head.elements > limits::model_texts) return broken("more texts than a tensor may have");
  const std::byte* sizes = in.take(head.elements * sizeof(uint32_t));
  const std::byte* bytes = sizes == nullptr ? nullptr : in.take(head.bytes);
  if (bytes == nullptr) return broken("texts end before they should");
  out.texts.reserve(head.elements);
  uint64_t at = 0;
  for (uint64_t i = 0; i < head.elements; ++i) {
    uint32_t size = 0;
    std::memcpy(&size, sizes + i * sizeof size, sizeof size);
    if (size > head.bytes - at) return broken("a text is longer than all of them");
    out.texts.emplace_back(reinterpret_cast<const char*>(bytes + at), size);
    at += size;
  }
  return {};
}

Result<Tensor> get_tensor(In& in) {
  TensorHead head;
  if (!in.get(head)) return broken("a tensor ends before it should");
  if (head.type >= kDTypes || head.rank > kMaxRank) return broken("a tensor of no known type");
  Tensor out{.type = static_cast<DType>(head.type)};
  for (size_t i = 0; i < head.rank; ++i) out.shape.push(head.dims[i]);
  const auto elements = out.shape.elements();
  if (!elements || *elements != head.elements) return broken("a tensor that does not fill its shape");
  if (out.type == DType::bytes) {
    MILLRACE_DO(get_texts(in, head, out));
    return out;
  }
  if (head.bytes != head.elements * size_of(out.type)) return broken("a tensor of another size than its shape has");
  const std::byte* bytes = in.take(head.bytes);
  if (bytes == nullptr) return broken("a tensor ends before it should");
  out.data.assign(bytes, bytes + head.bytes);
  if (out.type == DType::boolean)
    for (const std::byte each : out.data)
      if (each > std::byte{1}) return broken("a truth value that is neither");
  return out;
}

size_t write_error(std::span<std::byte> room, const Error& error) {
  std::string text = millrace::to_text(to_json(error));
  if (text.size() > limits::model_error_bytes)
    text = millrace::to_text(to_json(Error{error.code(), error.message().substr(0, 1'000)}));
  Out out(room);
  out.put(Head{.kind = kError, .count = static_cast<uint32_t>(text.size())});
  out.put(text.data(), text.size());
  return out.used();
}

}  // namespace

Result<size_t> write_request(std::span<std::byte> room, std::span<const Tensor> inputs,
                             std::span<const size_t> wanted) {
  Out out(room);
  out.put(Head{
      .kind = kRequest, .count = static_cast<uint32_t>(inputs.size()), .wanted = static_cast<uint32_t>(wanted.size())});
  for (const size_t each : wanted) out.put(uint64_t{each});
  for (const auto& tensor : inputs) {
    if (tensor.texts.size() > limits::model_texts)
      return Error{Code::too_large,
                   fmt::format("a tensor of {} texts, the limit for a model in a process of its own is {}",
                               tensor.texts.size(), limits::model_texts)}
          .hint("send fewer rows");
    put_tensor(out, tensor);
  }
  if (!out.full()) return out.used();
  return Error{Code::too_large, fmt::format("the request needs more than the {} bytes that a model in a process of its "
                                            "own is given for one",
                                            room.size())}
      .hint("send fewer rows");
}

Result<Asked> read_request(std::span<const std::byte> room) {
  In in(room);
  Head head;
  if (!in.get(head) || head.kind != kRequest || head.count > limits::model_tensors ||
      head.wanted > limits::model_tensors)
    return broken("no request");
  Asked out;
  for (uint32_t i = 0; i < head.wanted; ++i) {
    uint64_t wanted = 0;
    if (!in.get(wanted)) return broken("no request");
    out.wanted.push_back(wanted);
  }
  for (uint32_t i = 0; i < head.count; ++i) {
    MILLRACE_TRY(auto tensor, get_tensor(in));
    out.inputs.push_back(std::move(tensor));
  }
  return out;
}

size_t write_answer(std::span<std::byte> room, const Result<std::vector<Tensor>>& answer) {
  if (!answer) return write_error(room, answer.error());
  Out out(room);
  out.put(Head{.kind = kTensors, .count = static_cast<uint32_t>(answer->size())});
  for (const auto& tensor : *answer) put_tensor(out, tensor);
  if (!out.full()) return out.used();
  return write_error(room, Error{Code::too_large, fmt::format("the answer needs more than the {} bytes that a model in "
                                                              "a process of its own has for one",
                                                              room.size())}
                               .hint("send fewer rows, or ask for fewer outputs"));
}

Result<Answer> read_answer(std::span<const std::byte> room, std::span<const TensorSpec> outputs,
                           std::span<const size_t> wanted) {
  In in(room);
  Head head;
  if (!in.get(head)) return broken("no answer");
  if (head.kind == kError) {
    const std::byte* text = head.count > limits::model_error_bytes ? nullptr : in.take(head.count);
    if (text == nullptr) return broken("an error that does not end");
    const std::string copy(reinterpret_cast<const char*>(text), head.count);
    Error told = told_error(copy);
    if (told.code() == Code::corrupt) return told;
    return Answer{.said = std::move(told), .used = in.used()};
  }
  if (head.kind != kTensors || head.count != wanted.size()) return broken("another number of outputs");
  std::vector<Tensor> tensors;
  for (const size_t each : wanted) {
    MILLRACE_TRY(auto tensor, get_tensor(in));
    if (tensor.type != outputs[each].type) return broken("an output of another type");
    tensors.push_back(std::move(tensor));
  }
  return Answer{.said = std::move(tensors), .used = in.used()};
}

}  // namespace millrace::serve::process
