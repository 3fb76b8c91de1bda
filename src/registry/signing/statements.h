// What others read about a version, written from its facts: provenance as an in-toto statement with a SLSA v1
// predicate, and a bill of materials as CycloneDX 1.6. Both follow from the version alone: the same version gives the
// same bytes.
#pragma once
#include "core/json.h"
#include "registry/records.h"
#include "registry/signing/bundle.h"

namespace millrace::registry {

// https://slsa.dev/spec/v1.0/provenance: how the model was made, from what, by whom.
// `files`: the version's, as a signature lists them.
Json provenance_of(const StoredVersion& stored, const SignedModel& files);

// https://cyclonedx.org/docs/1.6/json: the model with its card, the datasets, code and libraries that it stands on.
// `card`: what people wrote of it (models.NAME.card), or null.
Result<Json> bom_of(const StoredVersion& stored, const Json& card);

}  // namespace millrace::registry
