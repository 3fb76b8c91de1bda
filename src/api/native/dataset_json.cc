#include "api/native/dataset_json.h"

namespace millrace::api::native {

Json version_json(const data::DatasetVersion& version) {
  Json out{{"node", version.node()},
           {"dataset", version.dataset},
           {"version", version.version},
           {"digest", version.digest},
           {"file", version.file},
           {"quarantine_file", version.quarantine_file},
           {"contract_digest", version.contract_digest},
           {"profile_digest", version.profile_digest},
           {"verdict", version.verdict},
           {"rows", version.rows},
           {"accepted", version.accepted},
           {"quarantined", version.quarantined},
           {"recorded_at", to_iso(version.recorded_at)}};
  if (version.period_to != 0) {
    out["from"] = to_iso(version.period_from);
    out["to"] = to_iso(version.period_to);
    out["period"] = to_iso(version.period_from).substr(0, 10) + " to " + to_iso(version.period_to).substr(0, 10);
  }
  return out;
}

}  // namespace millrace::api::native
