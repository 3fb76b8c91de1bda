// Who may approve, when an approval counts, and in what state a version is. Pure: values in, answers out.
#pragma once
#include "registry/records.h"

namespace millrace::registry {

// Voices among `approvals` (ModelVersion::approvals) that count for exactly these digests. Where two or more are asked
// for, the author's does not count and those without a token count once together: nobody knows who sits at the machine.
int64_t count_voices(const Json& approvals, const std::string& author, int64_t needed);
int64_t voices_needed(const Json& policy);

std::string state_of(const ModelVersion& version, const Json& policy);
std::vector<std::string> failed_gates(const ModelVersion& version);

// May this caller approve this version now? `denied`, `rejected` or `conflict` with the reason.
Result<void> may_approve(const Caller& caller, const ModelSpec& spec, const StoredVersion& stored);
// May this caller release and roll back? `denied` without the role.
Result<void> may_move_traffic(const Caller& caller, std::string_view deployment);
// May this version go on traffic? `rejected` without passed gates and approvals.
Result<void> may_release(const ModelSpec& spec, const StoredVersion& stored);
// May it listen? Nobody sees its answers: passed gates are enough.
Result<void> may_shadow(const ModelSpec& spec, const StoredVersion& stored);

// MLflow's rule: letters, digits, '_' and '-', not "latest", not v1.
Result<void> check_alias(const std::string& alias);
Result<void> check_why(const std::string& why, std::string_view what);

}  // namespace millrace::registry
