// What is known of a version when it is made, gathered from the pipeline's records: files, lineage, data, code,
// environment. The facts are one JSON document, the only thing that the card is written from:
//   {label, contract {id, name, version, file}, model {path, digest, size, artifact},
//    scored {stage, node, key, path, digest, artifact, report: {path, digest} | null}, threshold: number | null,
//    data [{node, digest}], stages [{stage, node, key, run_id, code, params, seed, environment, ended_at}]}
#pragma once
#include "registry/registry.h"

namespace millrace::registry {

// The record first, then every record that it stands on, by the outs that it was made from. `rejected` when such a
// record is gone.
Result<std::vector<pipeline::StageRecord>> records_behind(const pipeline::Pipelines& pipelines,
                                                          const std::string& workspace,
                                                          const pipeline::StageRecord& record);

// Held-out rows, scored by one model.
struct Scored {
  std::string node, digest, artifact, file;
  std::optional<double> threshold;
  Json facts = Json::object();  // facts.scored
};
Result<Scored> read_scored_record(const Parts& parts, const ModelSpec& spec, const pipeline::StageRecord& record);
// The newest scored rows when this model scored them, else those of the facts.
Result<Scored> scored_of(const Parts& parts, const std::string& workspace, const ModelSpec& spec,
                         const std::string& model_digest, const Json& facts);

struct Gathered {
  Digests digests;
  Json files, facts;
  std::string run_id, stage_node;
  std::string identity;  // digest over the digests, the report left out
  lineage::Node contract;
  std::vector<lineage::Edge> edges;  // to the version; targets are empty until it has a number
};
// Of the newest records of the model's stages.
Result<Gathered> gather(const Parts& parts, const Caller& caller, const Project& project, const ModelSpec& spec);

// Of the newest record of the model's stage whose file has one of these digests; nothing when there is none.
Result<std::optional<Gathered>> gather_for(const Parts& parts, const Caller& caller, const Project& project,
                                           const ModelSpec& spec, const std::vector<std::string>& digests);

// The versions of datasets that facts.data names.
Result<std::vector<data::DatasetVersion>> datasets_of(const Parts& parts, const std::string& workspace,
                                                      const Json& facts);

}  // namespace millrace::registry
