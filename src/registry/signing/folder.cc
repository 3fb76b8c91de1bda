#include "registry/signing/folder.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/limits/exchange_limits.h"
#include "core/tree.h"

namespace millrace::registry {
namespace {

constexpr std::array kOfGit = {".git", ".gitattributes", ".github", ".gitignore"};

// A model's folder, or the folder of a model that is one file.
struct Place {
  Tree tree;
  std::string only;  // the file's name; "" = all of the folder
  std::string name;
};

Result<Place> open_place(const std::string& path) {
  auto clean = absolute(path);
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  struct stat info {};
  if (::stat(clean.c_str(), &info) != 0) return file_error("cannot open the model", clean, errno);
  const auto name = clean.substr(clean.rfind('/') + 1);
  const bool is_file = !S_ISDIR(info.st_mode);
  MILLRACE_TRY(auto tree, Tree::open(is_file ? parent_of(clean) : clean));
  return Place{std::move(tree), is_file ? name : "", name};
}

bool is_ignored(const std::set<std::string>& ignored, const std::string& path) {
  for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
    if (ignored.contains(path.substr(0, end))) return true;
    if (end == std::string::npos) return false;
  }
}

std::string without_slash(std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

std::set<std::string> ignored_paths(const Place& place, const FolderRules& rules,
                                    const std::vector<std::string>& more) {
  std::set<std::string> out(kOfGit.begin(), kOfGit.end());
  for (const auto* list : {&rules.ignored, &more})
    for (const auto& path : *list) out.insert(without_slash(path));
  if (rules.signature.empty()) return out;
  const auto file = absolute(rules.signature);
  const auto folder = Tree::open(parent_of(file));
  const auto below = place.tree.path() + "/";
  const auto path = folder ? folder->path() + file.substr(file.rfind('/')) : file;
  if (path.starts_with(below)) out.insert(path.substr(below.size()));
  return out;
}

struct Listed {
  std::string path;
  int64_t size = 0;
};

Result<std::vector<Listed>> list_files(const Place& place, const std::set<std::string>& ignored) {
  std::vector<Listed> out;
  if (!place.only.empty()) {
    out.push_back({place.only, 0});
    return out;
  }
  std::optional<Error> strange;
  const auto add = [&](const std::string& path, int64_t size) -> Result<void> {
    if (is_ignored(ignored, path)) return {};
    if (out.size() >= limits::signed_files)
      return Error{Code::too_large, fmt::format("a model has at most {} files", limits::signed_files)}.at(
          {.file = place.tree.path()});
    out.push_back({path, size});
    return {};
  };
  MILLRACE_DO(place.tree.walk("", {.file = add, .other = [&](const std::string& path, const std::string& why) {
                                     if (!is_ignored(ignored, path) && !strange)
                                       strange = Error{Code::rejected, why}
                                                     .at({.file = place.tree.path() + "/" + path})
                                                     .hint("a model is made of plain files");
                                   }}));
  if (strange) return std::move(*strange);
  return out;
}

// Digests of whole files or of equal parts of them, in hexadecimal.
class Hasher {
 public:
  explicit Hasher(const std::string& hash)
      : kind_(hash == "blake2b" ? EVP_blake2b512() : EVP_sha256()), context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), kind_, nullptr);
  }
  void update(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    EVP_DigestInit_ex(context_.get(), kind_, nullptr);
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
  }

 private:
  const EVP_MD* kind_;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

Result<void> add_digests(const Tree& tree, const std::string& path, const SignedModel& how,
                         std::vector<SignedFile>& out) {
  Hasher hasher(how.hash);
  int64_t start = 0, at = 0;
  const auto part_ends = [&] {
    out.push_back({fmt::format("{}:{}:{}", path, start, at), hasher.finish()});
    start = at;
  };
  MILLRACE_DO(tree.stream(path, [&](std::string_view piece) -> Result<void> {
    while (how.shard_size > 0 && at - start + static_cast<int64_t>(piece.size()) >= how.shard_size) {
      const auto take = static_cast<size_t>(how.shard_size - (at - start));
      hasher.update(piece.substr(0, take));
      at += static_cast<int64_t>(take);
      piece.remove_prefix(take);
      part_ends();
    }
    hasher.update(piece);
    at += static_cast<int64_t>(piece.size());
    return {};
  }));
  if (how.shard_size == 0)
    out.push_back({path, hasher.finish()});
  else if (at > start)
    part_ends();
  return {};
}

Error differs(const Place& place, const std::string& what) {
  return Error{Code::rejected, what}.at({.file = place.tree.path()});
}

}  // namespace

Result<SignedModel> describe_folder(const std::string& path, const FolderRules& rules) {
  MILLRACE_TRY(const auto place, open_place(path));
  const auto ignored = ignored_paths(place, rules, {});
  SignedModel model{.name = place.name};
  if (place.only.empty()) model.ignored.assign(ignored.begin(), ignored.end());
  MILLRACE_TRY(const auto files, list_files(place, ignored));
  for (const auto& file : files) MILLRACE_DO(add_digests(place.tree, file.path, model, model.files));
  if (model.files.empty()) return Error{Code::invalid, "there is no file to sign"}.at({.file = path});
  std::sort(model.files.begin(), model.files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return model;
}

Result<void> check_folder(const std::string& path, const SignedModel& expected, const FolderRules& rules) {
  MILLRACE_TRY(const auto place, open_place(path));
  const auto ignored = ignored_paths(place, rules, expected.ignored);
  std::map<std::string, std::string> wanted;
  for (const auto& file : expected.files)
    wanted.emplace(file.name == "." && !place.only.empty() ? place.only : file.name, file.digest);
  MILLRACE_TRY(const auto files, list_files(place, ignored));
  std::vector<SignedFile> found;
  for (const auto& file : files) {
    const size_t before = found.size();
    MILLRACE_DO(add_digests(place.tree, file.path, expected, found));
    if (expected.shard_size > 0 && found.size() == before) continue;  // an empty file has no parts
    for (size_t i = before; i < found.size(); ++i) {
      const auto known = wanted.find(found[i].name);
      if (known == wanted.end()) {
        if (rules.extra_allowed) continue;
        return differs(place, fmt::format("'{}' was not signed", found[i].name))
            .hint("remove it, or say --ignore-unsigned when it is no part of the model");
      }
      if (known->second != found[i].digest)
        return differs(place, fmt::format("'{}' is not what was signed", found[i].name))
            .hint("get the model again from who signed it");
      wanted.erase(known);
    }
  }
  if (!wanted.empty())
    return differs(place, fmt::format("'{}' was signed and is not there", wanted.begin()->first))
        .hint("get the model again from who signed it");
  return {};
}

}  // namespace millrace::registry
