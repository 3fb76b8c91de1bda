#include "api/grpc/module/methods.h"

#include <limits>

#include <fmt/format.h>

#include <inference.pb.h>
#include "api/grpc/module/read.h"
#include "api/grpc/module/write.h"
#include "api/oip/call.h"

namespace millrace::api::rpc {
namespace {
using Outcome = std::optional<Failure>;

constexpr Outcome kDone = std::nullopt;

// Health, metadata, configuration, statistics.

Outcome server_live(const Call&, const inference::ServerLiveRequest&, inference::ServerLiveResponse& out) {
  out.set_live(true);
  return kDone;
}

Outcome server_ready(const Call& call, const inference::ServerReadyRequest&, inference::ServerReadyResponse& out) {
  out.set_ready(call.plane.ready());
  return kDone;
}

// A model that is not there is not ready, as clients expect; which one it is not is in the other methods' answers.
Outcome model_ready(const Call& call, const inference::ModelReadyRequest& in, inference::ModelReadyResponse& out) {
  out.set_ready(call.plane.find(in.name(), in.version()).ok());
  return kDone;
}

Outcome server_metadata(const Call&, const inference::ServerMetadataRequest&, inference::ServerMetadataResponse& out) {
  out.set_name("millrace");
  out.set_version(MILLRACE_VERSION);
  for (const char* extension : {"model_configuration", "model_repository", "statistics"}) out.add_extensions(extension);
  return kDone;
}

Outcome model_metadata(const Call& call, const inference::ModelMetadataRequest& in,
                       inference::ModelMetadataResponse& out) {
  const auto target = call.plane.find(in.name(), in.version());
  if (!target) return failure_of(target.error());
  write_metadata(*target, out);
  return kDone;
}

Outcome model_config(const Call& call, const inference::ModelConfigRequest& in, inference::ModelConfigResponse& out) {
  const auto target = call.plane.find(in.name(), in.version());
  if (!target) return failure_of(target.error());
  write_config(*target, *out.mutable_config());
  return kDone;
}

Outcome model_statistics(const Call& call, const inference::ModelStatisticsRequest& in,
                         inference::ModelStatisticsResponse& out) {
  if (in.name().empty()) {
    for (const auto& served : call.plane.served()) write_statistics(*served->place, "", out);
    return kDone;
  }
  const auto target = call.plane.find(in.name(), in.version());
  if (!target) return failure_of(target.error());
  write_statistics(*target->served->place, in.version(), out);
  return kDone;
}

Outcome repository_index(const Call& call, const inference::RepositoryIndexRequest& in,
                         inference::RepositoryIndexResponse& out) {
  for (const auto& model : call.plane.models()) {
    if (in.ready() && !model.ready) continue;
    auto* entry = out.add_models();
    entry->set_name(model.name);
    entry->set_version(model.version);
    entry->set_state(model.ready ? "READY" : "UNAVAILABLE");
    entry->set_reason(model.reason);
  }
  return kDone;
}

// Inference.

struct Prediction {
  serve::Target target;
  InferCall call;
};

Result<Prediction> read_prediction(const Call& call, const inference::ModelInferRequest& in) {
  MILLRACE_TRY(auto target, call.plane.find(in.model_name(), in.model_version()));
  // Every arm takes the same requests, so the unit may be read before an arm is chosen.
  MILLRACE_TRY(auto read, read_infer(in, target->arm, target->model().batched()));
  MILLRACE_DO(oip::take_unit(call.metadata, *target.served, read.request));
  read.request.arrived = call.arrived;
  return Prediction{std::move(target), std::move(read)};
}

Outcome write_prediction(const InferCall& call, const Result<serve::InferReply>& reply,
                         inference::ModelInferResponse& out) {
  if (!reply) return failure_of(reply.error());
  if (reply->refusal) return refusal_of(*reply);
  write_answer(call, *reply, out);
  return kDone;
}

Outcome model_infer(const Call& call, const inference::ModelInferRequest& in, inference::ModelInferResponse& out) {
  const auto asked = read_prediction(call, in);
  if (!asked) return failure_of(asked.error());
  return write_prediction(asked->call, call.plane.infer(asked->target, asked->call.request), out);
}

Outcome model_stream_infer(const Call& call, const inference::ModelInferRequest& in,
                           inference::ModelStreamInferResponse& out) {
  auto& answer = *out.mutable_infer_response();
  auto failed = model_infer(call, in, answer);
  if (failed) {
    out.set_error_message(failed->text);
    answer.set_id(in.id());
  } else {
    (*answer.mutable_parameters())["triton_final_response"].set_bool_param(true);
  }
  return failed;
}

// Models of files, loaded again and taken out of service.

template <class In>
Outcome bad_parameter(const In& in, std::string_view allowed) {
  for (const auto& [name, value] : in.parameters()) {
    if (name == allowed && value.has_bool_param()) continue;
    const auto at = fmt::format("parameters.{}", std::string_view(name).substr(0, oip::kTextBytes));
    if (name == allowed) return failure_of(oip::bad("true or false is expected", at));
    if (name == "config" || name.starts_with("file:"))
      return failure_of(oip::bad("models and their configuration do not come with requests", at)
                            .hint("replace the file that the server was started with, then load the model"));
    return failure_of(oip::bad("this parameter is not known", at));
  }
  return kDone;
}

Outcome model_load(const Call& call, const inference::RepositoryModelLoadRequest& in,
                   inference::RepositoryModelLoadResponse&) {
  if (auto bad = bad_parameter(in, "")) return bad;
  const auto done = call.plane.load_model(in.model_name());
  return done ? kDone : failure_of(done.error());
}

// A model here depends on no other, so unload_dependents changes nothing.
Outcome model_unload(const Call& call, const inference::RepositoryModelUnloadRequest& in,
                     inference::RepositoryModelUnloadResponse&) {
  if (auto bad = bad_parameter(in, "unload_dependents")) return bad;
  const auto done = call.plane.unload_model(in.model_name());
  return done ? kDone : failure_of(done.error());
}

// What is not here, said truthfully.

Failure unsupported(const char* what, const char* hint) {
  return failure_of(Error{Code::unsupported, what}.hint(hint));
}

template <class In, class Out>
Outcome no_regions(const Call&, const In& in, Out&) {
  if (in.name().empty()) return kDone;
  return failure_of(
      Error{Code::not_found, fmt::format("there is no shared memory region '{}'", in.name().substr(0, 100))}.hint(
          "shared memory is not served"));
}

template <class In, class Out>
Outcome no_sharing(const Call&, const In&, Out&) {
  return unsupported("shared memory is not served", "send tensors in the message");
}

// None is registered, so none is left afterwards: what clients do before they begin.
template <class In, class Out>
Outcome unregister(const Call&, const In&, Out&) {
  return kDone;
}

template <class In, class Out>
Outcome no_settings(const Call&, const In& in, Out&) {
  if (in.settings().empty()) return kDone;
  return unsupported("settings of tracing and logging are not changed by request", "MILLRACE_LOG sets the log's level");
}

// Messages to and from bytes.

bool parse(std::string_view in, google::protobuf::MessageLite& out) {
  return out.ParseFromArray(in.data(), static_cast<int>(in.size()));
}

Outcome write(const google::protobuf::MessageLite& from, std::string& out) {
  const size_t size = from.ByteSizeLong();
  if (size > std::numeric_limits<int32_t>::max())
    return failure_of(
        Error{Code::too_large, fmt::format("the answer has {} bytes, which is more than a message holds", size)}.hint(
            "ask for fewer rows or outputs"));
  const size_t before = out.size();
  out.resize(before + size);
  from.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out.data()) + before);
  return kDone;
}

Failure malformed(size_t bytes) {
  return failure_of(
      Error{Code::invalid, fmt::format("the message of {} bytes is not one of this method, or was cut short", bytes)}
          .hint("the fields are those of the Open Inference Protocol"));
}

template <class In, class Out, Outcome (*Handle)(const Call&, const In&, Out&), bool Stream = false>
Outcome answer(const Call& call, std::string_view in, std::string& out) {
  // Messages of one row fit the block: nothing of them is allocated one by one.
  alignas(16) char block[8 << 10];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof block;
  google::protobuf::Arena arena(options);
  auto* request = google::protobuf::Arena::CreateMessage<In>(&arena);
  auto* reply = google::protobuf::Arena::CreateMessage<Out>(&arena);
  Outcome failed = parse(in, *request) ? Handle(call, *request, *reply) : malformed(in.size());
  if constexpr (Stream) {
    if (failed && reply->error_message().empty()) reply->set_error_message(failed->text);
    if (auto large = write(*reply, out)) {
      failed = std::move(large);
      reply->Clear();
      reply->set_error_message(failed->text);
      write(*reply, out);
    }
  } else {
    if (!failed) failed = write(*reply, out);
  }
  return failed;
}

template <class In, class Out, Outcome (*Handle)(const Call&, const In&, Out&)>
constexpr Method plain(const char* name, Permission permission, Waits waits = Waits::never) {
  return {name, permission, waits, false, false, answer<In, Out, Handle>};
}

#define MILLRACE_PLAIN(name, permission, handle) \
  plain<inference::name##Request, inference::name##Response, handle>(#name, Permission::permission)

constexpr Method kMethods[] = {
    {"ModelInfer", Permission::read, Waits::with_the_log, true, false,
     answer<inference::ModelInferRequest, inference::ModelInferResponse, model_infer>},
    {"ModelStreamInfer", Permission::read, Waits::with_the_log, true, true,
     answer<inference::ModelInferRequest, inference::ModelStreamInferResponse, model_stream_infer, true>},
    MILLRACE_PLAIN(ServerLive, open, server_live),
    MILLRACE_PLAIN(ServerReady, open, server_ready),
    MILLRACE_PLAIN(ModelReady, open, model_ready),
    MILLRACE_PLAIN(ServerMetadata, open, server_metadata),
    MILLRACE_PLAIN(ModelMetadata, read, model_metadata),
    MILLRACE_PLAIN(ModelConfig, read, model_config),
    MILLRACE_PLAIN(ModelStatistics, read, model_statistics),
    MILLRACE_PLAIN(RepositoryIndex, read, repository_index),
    plain<inference::RepositoryModelLoadRequest, inference::RepositoryModelLoadResponse, model_load>(
        "RepositoryModelLoad", Permission::write, Waits::always),
    plain<inference::RepositoryModelUnloadRequest, inference::RepositoryModelUnloadResponse, model_unload>(
        "RepositoryModelUnload", Permission::write, Waits::always),
    MILLRACE_PLAIN(SystemSharedMemoryStatus, read, no_regions),
    MILLRACE_PLAIN(SystemSharedMemoryRegister, read, no_sharing),
    MILLRACE_PLAIN(SystemSharedMemoryUnregister, read, unregister),
    MILLRACE_PLAIN(CudaSharedMemoryStatus, read, no_regions),
    MILLRACE_PLAIN(CudaSharedMemoryRegister, read, no_sharing),
    MILLRACE_PLAIN(CudaSharedMemoryUnregister, read, unregister),
    MILLRACE_PLAIN(TraceSetting, read, no_settings),
    MILLRACE_PLAIN(LogSettings, read, no_settings),
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

void infer_together(serve::DataPlane& plane, std::span<Waiting> all) {
  alignas(16) char block[32 << 10];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof block;
  google::protobuf::Arena arena(options);
  std::vector<Prediction> predictions;
  std::vector<serve::AskedPrediction> asked;
  std::vector<Waiting*> of;
  predictions.reserve(all.size());  // they are pointed at
  for (auto& each : all) {
    auto* message = google::protobuf::Arena::CreateMessage<inference::ModelInferRequest>(&arena);
    if (!parse(each.in, *message)) {
      each.failure = malformed(each.in.size());
      continue;
    }
    auto read = read_prediction(each.call, *message);
    if (!read) {
      each.failure = failure_of(read.error());
      continue;
    }
    predictions.push_back(std::move(*read));
    asked.push_back({.target = predictions.back().target, .request = &predictions.back().call.request});
    of.push_back(&each);
  }
  const auto replies = plane.infer_together(asked);
  for (size_t i = 0; i < replies.size(); ++i) {
    auto* answer = google::protobuf::Arena::CreateMessage<inference::ModelInferResponse>(&arena);
    of[i]->failure = write_prediction(predictions[i].call, replies[i], *answer);
    if (!of[i]->failure) of[i]->failure = write(*answer, *of[i]->out);
  }
}

}  // namespace millrace::api::rpc
