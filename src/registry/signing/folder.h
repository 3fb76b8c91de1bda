// A model as files on this machine, for signing and for comparing with what was signed. Links are not followed and
// refused.
#pragma once
#include <string>
#include <vector>

#include "core/result.h"
#include "registry/signing/bundle.h"

namespace millrace::registry {

struct FolderRules {
  std::vector<std::string> ignored;  // paths in the folder that are no part of the model, beside those of git
  std::string signature;             // the signature's own file, which is none either; "" = it is elsewhere
  bool extra_allowed = false;        // when comparing: files that were not signed are fine
};

// Of a folder, or of one file. `invalid` when there is none, or something is neither file nor folder.
Result<SignedModel> describe_folder(const std::string& path, const FolderRules& rules);

// Are the signed files there with these bytes, and no others? `rejected` names the first that differs.
Result<void> check_folder(const std::string& path, const SignedModel& expected, const FolderRules& rules);

}  // namespace millrace::registry
