// The one table of methods: what each takes, gives and needs. Handlers read, call the data plane, write.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/grpc/module/failure.h"
#include "api/http.h"
#include "api/oip/call.h"
#include "serve/data_plane.h"

namespace millrace::api::rpc {

// What a method knows of a message beside its bytes.
struct Call {
  serve::DataPlane& plane;
  Micros arrived;      // steady clock
  oip::Head metadata;  // by names in lower case
};

// Reads a message, answers it, appends the answer to `out`. A message that cannot be read is INVALID_ARGUMENT.
using Answer = std::optional<Failure>(const Call& call, std::string_view in, std::string& out);

// May an answer wait for disk?
enum class Waits { never, with_the_log, always };

struct Method {
  const char* name;  // "ModelInfer"
  Permission permission;
  Waits waits;
  bool infers;  // a success writes no line to the log: there are many, and the prediction log has them
  bool stream;  // each message of the stream is answered by one; `answer` then always writes
  Answer* answer;
};

std::span<const Method> methods();

// Messages of ModelInfer that are ready at the same moment, each answered as by its method's `answer`; those that may
// share a call of a model do.
struct Waiting {
  Call call;
  std::string_view in;
  std::string* out = nullptr;
  std::optional<Failure> failure = {};
};
void infer_together(serve::DataPlane& plane, std::span<Waiting> all);

}  // namespace millrace::api::rpc
