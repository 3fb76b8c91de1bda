// Rows of registered models and of what clients may change of versions, read and written inside a transaction.
#pragma once
#include "registry/records.h"

namespace millrace::registry {

Result<std::optional<RegisteredModel>> find_registered(store::Session& session, const std::string& workspace,
                                                       const std::string& name);
Result<RegisteredModel> get_registered(store::Session& session, const std::string& workspace,
                                       const std::string& name);  // not_found in MLflow's words
Error no_model(const std::string& name);
// Those of the names that there are, in the order of the names.
Result<std::vector<RegisteredModel>> load_registered(store::Session& session, const std::string& workspace,
                                                     const std::vector<std::string>& names);
// Makes the model when there is none of that name; one that was deleted comes back empty.
Result<void> ensure_registered(store::Session& session, const Caller& caller, const std::string& name, Micros now);
Result<void> insert_registered(store::Session& session, const Caller& caller, const NewRegisteredModel& wanted,
                               Micros now);
// The next number of a model, which counts as used from then on.
Result<int64_t> next_version(store::Session& session, const std::string& workspace, const std::string& name,
                             Micros now);
// A number that was given elsewhere; `conflict` when it ever named a version here.
Result<void> claim_version(store::Session& session, const std::string& workspace, const std::string& name,
                           int64_t version, Micros now);
Result<void> touch_registered(store::Session& session, const std::string& workspace, const std::string& name,
                              Micros now);
Result<void> touch_version(store::Session& session, const std::string& workspace, const std::string& model,
                           int64_t version, Micros now);
// May this caller change what `what` names? `denied` without the role writer.
Result<void> may_write(const Caller& caller, std::string_view what);

}  // namespace millrace::registry
