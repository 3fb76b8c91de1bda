// From what the data plane says to the protocol's messages.
#pragma once
#include <inference.pb.h>
#include "api/grpc/module/read.h"
#include "serve/data_plane.h"

namespace millrace::api::rpc {

// Tensors go out as they came in: raw, or typed where the types allow it. reply.refusal is not set.
void write_answer(const InferCall& call, const serve::InferReply& reply, inference::ModelInferResponse& out);

void write_metadata(const serve::Target& target, inference::ModelMetadataResponse& out);
void write_config(const serve::Target& target, inference::ModelConfig& out);
// An entry for each version on each arm since the start; version "" = all.
void write_statistics(const serve::Place& place, std::string_view version, inference::ModelStatisticsResponse& out);

}  // namespace millrace::api::rpc
